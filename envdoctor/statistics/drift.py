"""Whether a ratio wanders with time, by the cumulative sum of its deviations (CUSUM)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import exp, log, sqrt
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from envdoctor.statistics.signed_rank import hodges_lehmann

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_VALUES = 6


@dataclass(frozen=True)
class Drift:
    """The ratio in the first and in the second half of the rounds."""

    first_ratio: float
    second_ratio: float


def drift(log_ratios: Sequence[float], *, margin: float, confidence: float) -> Drift | None:
    """The two halves, if the ratios wander and the halves differ by more than the margin.

    The sums of deviations of n independent values, divided by s sqrt(n), tend to a Brownian
    bridge (Ploberger and Kraemer, Econometrica 60, 1992); its largest magnitude exceeds
    sqrt(ln(2 / a) / 2) with a chance of a: 1.36 at 5 %. The halves must differ in earnest, too,
    because launches of the same program differ a little, which is no drift.
    """
    if len(log_ratios) < FEWEST_VALUES:
        return None
    middle = len(log_ratios) // 2
    first, second = (hodges_lehmann(half) for half in (log_ratios[:middle], log_ratios[middle:]))
    wanders = _cusum(log_ratios) > sqrt(log(2 / (1 - confidence)) / 2)
    if not wanders or abs(second - first) <= log(1 + margin):
        return None
    return Drift(exp(first), exp(second))


def _cusum(values: Sequence[float]) -> float:
    """The largest sum of deviations from the mean, in units of s sqrt(n)."""
    mean = fmean(values)
    deviation = stdev(values, mean)
    if deviation == 0:
        return 0.0
    sums = accumulate(value - mean for value in values)
    return max(abs(partial) for partial in sums) / (deviation * sqrt(len(values)))
