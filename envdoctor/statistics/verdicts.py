"""What an interval of a ratio of times allows to say."""

from __future__ import annotations

from math import ceil, expm1, inf, log
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from envdoctor.statistics.interval import Interval
    from envdoctor.statistics.paired import Comparison

MARGIN = 0.02
"""Differences up to this have no practical meaning: the memory layout of a process alone is worth
about 1 % (Mytkowicz et al., Producing Wrong Data Without Doing Anything Obviously Wrong, 2009)."""

Verdict = Literal["faster", "leans faster", "tie", "inconclusive", "leans slower", "slower"]

BUDGETS = 10
"""A verdict that would take more than so many times the most rounds is out of reach."""


def verdict(interval: Interval | None, margin: float) -> Verdict:
    """The verdict on a row whose time is divided by the reference's; margin 0.02 is 2 %.

    Clear beyond the margin, a tie if wholly within it; a side is leaned to if the interval leaves
    the other out, but not the margin. Without an interval nothing can be said.
    """
    if interval is None:
        return "inconclusive"
    if interval.low > 1 + margin:
        return "slower"
    if interval.high < 1 / (1 + margin):
        return "faster"
    if interval.low > 1 / (1 + margin) and interval.high < 1 + margin:
        return "tie"
    if interval.low > 1:
        return "leans slower"
    return "leans faster" if interval.high < 1 else "inconclusive"


def roughly(found: Verdict) -> Verdict:
    """What a wide margin leaves of a verdict: a tie or a leaning within it would say nothing."""
    return found if found in {"slower", "faster"} else "inconclusive"


def widened_margin(margin: float, twin_half_width: float) -> float:
    """The margin, or what the twin of a row differs from it by chance, if that is more."""
    return max(margin, expm1(twin_half_width))


def rounds_to_settle(comparison: Comparison, most_rounds: int) -> int | None:
    """About how many more rounds would clear the comparison up; None if more than ten budgets.

    The interval must shrink to the distance of the ratio from the margin, towards a clear
    difference or towards a tie. It narrows with the square root of the rounds, if launches are
    added in proportion. Without an interval: as many as the first one needs.
    """
    if comparison.interval is None:
        return max(1, comparison.least_rounds - comparison.rounds)
    distance = abs(abs(log(comparison.ratio)) - log(1 + comparison.margin))
    narrower = comparison.interval.half_width / distance if distance > 0 else inf
    more = comparison.rounds * narrower * narrower - comparison.rounds
    return None if more > BUDGETS * most_rounds else max(1, ceil(more))
