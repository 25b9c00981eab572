"""The ratio of two samples of times that nothing pairs: rows of two runs, on different days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import exp, floor, sqrt
from statistics import NormalDist, fmean, median
from typing import TYPE_CHECKING

from envdoctor.statistics.autocorrelation import is_correlated, lag_one, widening
from envdoctor.statistics.interval import Interval
from envdoctor.statistics.paired import CONFIDENCE, LAUNCH_FLOOR
from envdoctor.statistics.signed_rank import hodges_lehmann
from envdoctor.statistics.student import student_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    Launches = Sequence[Sequence[float]]

LARGEST_EXACT_PAIRS = 2500
"""Up to so many differences the quantile is counted out; beyond, the normal one is as good."""


@dataclass(frozen=True)
class Shift:
    """How many times as large the values of B are as those of A."""

    ratio: float
    interval: Interval | None
    """None where there are too few values for any interval of this confidence."""
    blocks: tuple[int, int]
    """Values of A and of B."""
    launches: tuple[int, int]


def shift(
    a: Launches,
    b: Launches,
    *,
    comparisons: int,
    launch_floor: float = LAUNCH_FLOOR,
    confidence: float = CONFIDENCE,
) -> Shift:
    """Compares two samples of natural logarithms, each one list per launch, none of them empty.

    The ratio is the shift of Hodges and Lehmann (Annals of Mathematical Statistics 34, 1963): the
    median of all differences between a value of B and one of A. Its interval inverts the
    Mann-Whitney test, widened where neighbours in time resemble each other. The blocks know
    nothing of what differs between two starts of a program, so the launches join in quadrature,
    P_A and P_B of them:

        half^2 = within^2 + (1 / P_A + 1 / P_B) (z^2 launch_floor^2 + t^2 excess)

    `excess` is the variance of the launches' middles beyond what their blocks and the floor
    explain, pooled over both runs; t is the quantile of Student for its P_A + P_B - 2 degrees of
    freedom, because a few launches hardly know their own spread. With one launch on each side
    only the floor speaks for it. `comparisons` are made at once and together have the confidence.
    """
    level = 1 - (1 - confidence) / comparisons  # after Bonferroni
    pooled_a, pooled_b = list(chain.from_iterable(a)), list(chain.from_iterable(b))
    differences = sorted(y - x for x in pooled_a for y in pooled_b)
    middle = median(differences)
    half_width = _half_width(a, b, differences, level, launch_floor)
    return Shift(
        ratio=exp(middle),
        interval=None if half_width is None else Interval.around(middle, half_width),
        blocks=(len(pooled_a), len(pooled_b)),
        launches=(len(a), len(b)),
    )


def _half_width(
    a: Launches, b: Launches, differences: list[float], level: float, launch_floor: float
) -> float | None:
    """Half the interval of the shift, in the logarithm; None if none is as sure as the level."""
    sizes = (sum(map(len, a)), sum(map(len, b)))
    first = rank_sum_quantile(*sizes, level)
    if first == 0:
        return None
    within = (differences[-first] - differences[first - 1]) / 2 * _widening([*a, *b], sum(sizes))
    z = NormalDist().inv_cdf(0.5 + level / 2)
    spread, freedom = _between_launches(a, b)
    # What a launch's middle varies by because of its own blocks: the variance of one value, as
    # the shift's interval shows it, shared out over the values of a launch.
    one_value = (within / z) ** 2 / (1 / sizes[0] + 1 / sizes[1])
    by_blocks = one_value * (len(a) + len(b)) / sum(sizes)
    excess = max(0.0, spread - by_blocks - launch_floor**2)
    t = student_quantile(0.5 + level / 2, freedom) if excess else 0.0
    shares = 1 / len(a) + 1 / len(b)
    return sqrt(within**2 + shares * ((z * launch_floor) ** 2 + t**2 * excess))


def _widening(launches: Launches, count: int) -> float:
    """The factor for values that resemble the ones before them beyond chance."""
    correlation = lag_one(launches)
    if correlation is None or not is_correlated(correlation, count):
        return 1.0
    return widening(correlation)


@lru_cache(maxsize=256)
def rank_sum_quantile(a: int, b: int, level: float) -> int:
    """How far from either end of the sorted differences the interval begins: 1 for the first.

    The number of pairs in which B is less is distributed as the Mann-Whitney statistic. 0 if even
    the whole range of the differences is less sure than the level.
    """
    if a * b > LARGEST_EXACT_PAIRS:
        z = NormalDist().inv_cdf(0.5 + level / 2)
        return max(0, floor(a * b / 2 - z * sqrt(a * b * (a + b + 1) / 12)))
    ways = _rank_sum_counts(a, b)
    tail = (1 - level) / 2 * sum(ways)
    below, seen = 0, ways[0]
    while seen <= tail:
        below += 1
        seen += ways[below]
    return below


def _rank_sum_counts(a: int, b: int) -> list[int]:
    """In how many orders of two samples each value of the statistic occurs.

    The Gaussian binomial coefficient, whose generating function is a quotient of products of
    1 - q^k (Mann and Whitney 1947).
    """
    counts = [1] + [0] * (a * b)
    for k in range(1, a + 1):
        for s in range(a * b, b + k - 1, -1):
            counts[s] -= counts[s - b - k]
        for s in range(k, a * b + 1):
            counts[s] += counts[s - k]
    return counts


def _between_launches(a: Launches, b: Launches) -> tuple[float, int]:
    """The pooled variance of the middles of launches, and its degrees of freedom.

    Pooled, because the launches of two comparable runs are starts of the same row on machines of
    the same kind, and either alone has too few.
    """
    squares, freedom = 0.0, 0
    for side in (a, b):
        middles = [hodges_lehmann(launch) for launch in side]
        centre = fmean(middles)
        squares += sum((middle - centre) ** 2 for middle in middles)
        freedom += len(middles) - 1
    return (squares / freedom if freedom else 0.0), freedom
