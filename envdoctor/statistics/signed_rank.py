"""The middle of a sample and its interval, from ranks: outliers and heavy tails move them little.

The estimate of Hodges and Lehmann (Annals of Mathematical Statistics 34, 1963) with the interval
that inverts Wilcoxon's signed-rank test; both assume only that the values spread symmetrically.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log2, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_EXACT = 50
"""Values up to which the quantile is counted out; SciPy's `wilcoxon` changes over there, too."""


class TooFewRounds(ValueError):
    """No interval of this confidence exists, however wide."""

    def __init__(self, count: int, confidence: float) -> None:
        self.least = least_values(confidence)
        super().__init__(
            f"{count} values have no interval at {confidence:.4g}: it takes {self.least} or more."
        )


@dataclass(frozen=True)
class Estimate:
    """The middle of a sample, and how far its interval reaches to each side; in its unit."""

    middle: float
    half_width: float


def estimate(values: Sequence[float], confidence: float) -> Estimate:
    """The Hodges-Lehmann estimate, and half the width of its signed-rank interval.

    Raises TooFewRounds if even the whole range is less certain.
    """
    trim = trimmed_each_end(len(values), confidence)
    if trim < 0:
        raise TooFewRounds(len(values), confidence)
    pairs = _pairs(len(values))
    low, below, above, high = _walsh_averages(values, trim, *_middle(pairs), pairs - 1 - trim)
    return Estimate((below + above) / 2, (high - low) / 2)


def hodges_lehmann(values: Sequence[float]) -> float:
    """The median of all pairwise means; it exists for one value and more."""
    below, above = _walsh_averages(values, *_middle(_pairs(len(values))))
    return (below + above) / 2


def _walsh_averages(values: Sequence[float], *ranks: int) -> list[float]:
    """Of the means of all pairs, of each value with itself too, those of these ranks from 0."""
    # Here, so that whoever only reads run files does not wait for NumPy. Hundreds of rounds have a
    # hundred thousand pairs, and are looked at again and again while they are measured.
    import numpy as np

    ordered = np.asarray(values, dtype=np.float64)
    averages = np.add.outer(ordered, ordered)[np.triu_indices(len(ordered))] / 2
    averages.partition(sorted(set(ranks)))
    return [float(averages[rank]) for rank in ranks]


def _pairs(count: int) -> int:
    """How many pairs so many values have, each with itself too."""
    return count * (count + 1) // 2


def _middle(count: int) -> tuple[int, int]:
    """The ranks of the two middle values of so many; the same twice if their number is odd."""
    return (count - 1) // 2, count // 2


def least_values(confidence: float) -> int:
    """How many values an interval needs: the range of n misses with a chance of 2^(1 - n)."""
    return ceil(1 - log2(1 - confidence))


@lru_cache(maxsize=1024)
def trimmed_each_end(count: int, confidence: float) -> int:
    """How many Walsh averages the interval leaves out at each end; -1 if it does not exist.

    The largest k with 2 P(W <= k) <= 1 - confidence, where W is the signed-rank statistic.
    """
    if count <= MOST_EXACT:
        return _exact_quantile(count, 1 - confidence)
    sums = count * (count + 1)
    deviation = sqrt(sums * (2 * count + 1) / 24)
    # Without the correction for continuity the interval would be a little too narrow.
    return floor(sums / 4 - NormalDist().inv_cdf(0.5 + confidence / 2) * deviation - 0.5)


def _exact_quantile(count: int, outside: float) -> int:
    """The quantile from the number of subsets of the ranks 1 to n with each sum."""
    ways = [1]
    for rank in range(1, count + 1):
        with_rank = [0] * rank + ways
        without = ways + [0] * rank
        ways = [a + b for a, b in zip(with_rank, without, strict=True)]
    seen = 0
    for total, subsets in enumerate(ways):
        seen += subsets
        if 2 * seen > outside * 2**count:
            return total - 1
    return len(ways) - 1
