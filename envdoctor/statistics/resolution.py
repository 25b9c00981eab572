"""What this machine can tell apart now: two copies of the same row, compared like any two rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, log
from typing import TYPE_CHECKING, Literal

from envdoctor.statistics.paired import LAUNCH_FLOOR
from envdoctor.statistics.verdicts import widened_margin

if TYPE_CHECKING:
    from envdoctor.model.cell import Row
    from envdoctor.statistics.interval import Interval
    from envdoctor.statistics.paired import Comparison

Grade = Literal["A", "B", "C", "D"]

WIDEST: tuple[tuple[Grade, float], ...] = (("A", 0.01), ("B", 0.02), ("C", 0.05))
"""The widest half interval of the twin for each grade; what is wider is a D."""


@dataclass(frozen=True)
class Resolution:
    """How much two equal things seemed to differ, and what follows for others."""

    row: Row
    """The row that was run twice."""
    comparison: Comparison
    """The twin with its original."""
    interval: Interval
    grade: Grade
    biased: bool
    """Whether equal things differed in earnest, by more than launches do: then nothing is known
    of what else differs."""

    @property
    def half_width(self) -> float:
        """How far the twin's interval reaches to each side, in the natural logarithm."""
        return self.interval.half_width

    @property
    def smallest_difference(self) -> float:
        """The least relative difference in time that can be seen: 0.018 is 1.8 %.

        Twice the half width, so that even an estimate half a width too low leaves the equal out;
        or the farther end of the twin's interval, if equal things differed even more.
        """
        seen = abs(log(self.comparison.ratio)) + self.half_width
        return expm1(max(2 * self.half_width, seen))

    @property
    def doubt(self) -> float:
        """What a ratio may be off by beyond its interval; 0.14 is 14 %, and 0 up to grade C.

        The rounds of a machine with a grade D are so uneven that their intervals are rough, too.
        """
        return self.smallest_difference if self.grade == "D" else 0.0

    def margin(self, asked: float) -> float:
        """What a difference must exceed to be told: what was asked for, or what chance does.

        Up to grade C chance is the twin's half width, with a D the doubt.
        """
        return max(asked, self.doubt) if self.doubt else widened_margin(asked, self.half_width)


def resolution(row: Row, twin: Comparison, launch_floor: float = LAUNCH_FLOOR) -> Resolution | None:
    """The resolution from the comparison of a row's twin with the row; None without an interval."""
    if twin.interval is None:
        return None
    biased = abs(log(twin.ratio)) - twin.interval.half_width > launch_floor
    grade = "D" if biased else _grade(twin.interval.half_width)
    return Resolution(row, twin, twin.interval, grade, biased)


def _grade(half_width: float) -> Grade:
    fitting = (grade for grade, widest in WIDEST if half_width <= widest)
    return next(fitting, "D")
