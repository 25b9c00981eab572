"""Whether short blocks have become steady: one half of the latest against the other."""

from __future__ import annotations

from math import log
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LATEST = 8
"""Blocks that are looked at, in halves."""
LARGEST_SHIFT = 0.03
"""Between the medians of the halves, in the logarithm."""
LARGEST_DEVIATION_CHANGE = 0.10
SMALLEST_DEVIATION = 0.01
"""A relative deviation, or a late first block, below this is steady enough."""
OUTLIER = 1.5
"""Interquartile ranges above the third quartile: Tukey's mild outlier."""
NOISE_FACTOR = 3.0
ENOUGH = 2 * LATEST - 1
"""Blocks in whose later half a drift can be seen."""


def is_steady(seconds: Sequence[float]) -> bool:
    """The rule: the latest eight times show no shift, no late first block, no growing spread.

    The halves' medians differ by at most 3 %; the first one is no outlier of the rest; the halves'
    median absolute deviations differ by at most a tenth where they exceed 1 %. The rules of
    pyperf's calibration, tightened and made of medians.
    """
    if len(seconds) < LATEST:
        return False
    latest = list(seconds[-LATEST:])
    first, second = latest[: LATEST // 2], latest[LATEST // 2 :]
    low, _, high = quantiles(latest[1:], n=4, method="inclusive")
    shift = abs(log(median(second) / median(first)))
    # A clock that hardly spreads would call the last thousandth of a warm-up an outlier.
    highest = max(high + OUTLIER * (high - low), high * (1 + SMALLEST_DEVIATION))
    before, after = _deviation(first), _deviation(second)
    calm = max(before, after) <= SMALLEST_DEVIATION or abs(after - before) <= (
        LARGEST_DEVIATION_CHANGE * max(before, after)
    )
    return shift <= LARGEST_SHIFT and latest[0] <= highest and calm


def seems_steady(seconds: Sequence[float]) -> bool:
    """Whether to watch no longer: the rule is met, or enough blocks show noise and no drift.

    On a machine that others share the rule may not be met for minutes, and more of the same noise
    tells no more about the row.
    """
    return is_steady(seconds) or (len(seconds) >= ENOUGH and not still_changes(seconds))


def still_changes(seconds: Sequence[float]) -> bool:
    """Whether a row that never met the rule really drifts, or is only noisy.

    The halves of the later half of all blocks differ by more than 3 % and by more than three
    standard errors of their medians, estimated from their deviations: noise alone seldom does so.
    """
    late = list(seconds[len(seconds) // 2 :])
    if len(late) < LATEST:
        return False
    half = len(late) // 2
    first, second = late[:half], late[half:]
    shift = abs(log(median(second) / median(first)))
    # 1.4826 turns a median absolute deviation into a standard deviation of a normal distribution,
    # and the median of n such values has a standard error of 1.2533 of it by the root of n.
    error = 1.4826 * 1.2533 * (_deviation(first) ** 2 + _deviation(second) ** 2) ** 0.5 / half**0.5
    return shift > LARGEST_SHIFT and shift > NOISE_FACTOR * error


def _deviation(values: Sequence[float]) -> float:
    """The median absolute deviation, relative to the median."""
    middle = median(values)
    return median(abs(value - middle) for value in values) / middle
