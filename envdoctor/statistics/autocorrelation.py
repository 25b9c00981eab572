"""How much a round resembles the one before it, and what that does to an interval."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def lag_one(launches: Sequence[Sequence[float]]) -> float | None:
    """The correlation of neighbouring rounds, each launch about its own mean.

    None where no launch has two different values.
    """
    products = squares = 0.0
    for values in launches:
        mean = fmean(values)
        deviations = [value - mean for value in values]
        products += sum(a * b for a, b in pairwise(deviations))
        squares += sum(deviation**2 for deviation in deviations)
    return products / squares if squares > 0 else None


def is_correlated(correlation: float | None, count: int) -> bool:
    """Whether rounds follow each other more than independent ones do by chance, 2 / sqrt(n).

    Only upwards: an estimate from few values is biased downwards, and rounds that alternate make
    no interval too narrow.
    """
    return correlation is not None and correlation > 2 / sqrt(count)


def widening(correlation: float) -> float:
    """The factor by which rounds that follow each other widen the interval of their middle.

    The standard error of the mean of a first-order autoregression, relative to independent values.
    """
    return sqrt((1 + correlation) / (1 - correlation))
