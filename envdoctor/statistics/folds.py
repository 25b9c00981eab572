"""The values of cross-validation: their mean and spread, and how two rows differ fold by fold."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.model.cell import Cell


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (n - 1) of values of several folds.

    The deviation is no error of the mean, and the root of n does not make it one: what tests one
    training has taught the others, and from such values no estimate of the variance of their mean
    is without bias (Bengio and Grandvalet 2004).
    """

    mean: float
    deviation: float


def spread(values: Sequence[float]) -> Spread:
    """Of two values or more."""
    return Spread(fmean(values), stdev(values))


def paired(values: Sequence[float], reference: Sequence[float]) -> Spread:
    """Of the differences from a reference on the same folds, one by one."""
    return spread([value - other for value, other in zip(values, reference, strict=True)])


def is_complete(cell: Cell) -> bool:
    """Whether a row got through all of its folds."""
    return cell.folds is not None and len(cell.folds.values) == cell.folds.wanted
