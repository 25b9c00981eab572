"""What holds for all rows of a workload in two runs: obstacles, noise, and the machine's pace."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from statistics import median
from typing import TYPE_CHECKING

from envdoctor.statistics.comparability import obstacles
from envdoctor.statistics.interval import Interval
from envdoctor.statistics.ranking import is_unfit, resolution_of

if TYPE_CHECKING:
    from envdoctor.model.comparison import Difference
    from envdoctor.model.run import Run
    from envdoctor.statistics.resolution import Resolution


@dataclass(frozen=True)
class Ground:
    """What two runs stand on where a workload is concerned."""

    obstacles: tuple[Difference, ...]
    resolutions: tuple[Resolution | None, Resolution | None]
    """Of A and B; None where no twin was measured."""
    unfit: str
    """The runs that cannot tell even equal rows apart: A, B, AB or none."""
    pace: float | None
    """The time of the same small piece of work, B over A; None where a run did not take it."""

    @property
    def noise(self) -> str:
        """A sentence if a run cannot tell even equal rows apart; else empty."""
        if not self.unfit:
            return ""
        runs = "both runs were" if len(self.unfit) > 1 else f"run {self.unfit} was"
        return f"{runs} too noisy: two copies of one row seemed to differ, or could not be told."

    @property
    def noisy(self) -> str:
        """The runs with noise grade D: A, B, AB or none."""
        graded = zip("AB", self.resolutions, strict=True)
        return "".join(run for run, found in graded if found is not None and found.doubt)

    @property
    def doubt(self) -> float:
        """What a ratio may be off by beyond its interval, since either run may be: 0.14 is 14 %."""
        return prod(1 + found.doubt for found in self.resolutions if found is not None) - 1

    def margin(self, asked: float) -> float:
        """The margin, widened to what two equal rows seemed to differ by in either run."""
        margins = [found.margin(asked) for found in self.resolutions if found is not None]
        return max([asked, self.doubt, *margins])

    def with_pace(self, interval: Interval | None) -> Interval | None:
        """The interval of a ratio of step times, stretched so that it holds either way.

        A row may follow the pace that the small piece of work shows, or have its own reasons;
        nothing in two runs tells which. So the interval reaches from its ends as they are to its
        ends with the pace taken out.
        """
        if interval is None or self.pace is None:
            return interval
        low, high = interval.low, interval.high
        return Interval(min(low, low / self.pace), max(high, high / self.pace))


def ground(a: Run, b: Run, workload: str) -> Ground:
    """The ground of a workload."""
    resolutions = (resolution_of(a, workload), resolution_of(b, workload))
    judged = zip("AB", (a, b), resolutions, strict=True)
    unfit = "".join(name for name, run, found in judged if is_unfit(run, workload, found))
    before, after = _canary_ns(a, workload), _canary_ns(b, workload)
    pace = after / before if before and after else None
    return Ground(obstacles(a, b, workload), resolutions, unfit, pace)


def _canary_ns(run: Run, workload: str) -> float | None:
    """The median time of the core's own piece of work after the rounds that count."""
    beats = [
        turn.canary_ns
        for turn in run.rounds
        if turn.workload == workload and turn.kept and turn.canary_ns
    ]
    return median(beats) if beats else None
