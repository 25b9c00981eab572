"""The step time of a row from its blocks, with an interval that assumes no distribution."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.model.cell import Block, Launch

CONFIDENCE = 0.95


@dataclass(frozen=True)
class StepTime:
    """Seconds per step: the median of the blocks and its interval."""

    seconds: float
    low_seconds: float
    high_seconds: float

    @property
    def spread(self) -> float:
        """Half the width of the interval, relative to the median."""
        return (self.high_seconds - self.low_seconds) / 2 / self.seconds


def summarise(blocks: Sequence[Block]) -> StepTime | None:
    """The step time of some blocks; None if there are none."""
    if not blocks:
        return None
    seconds = sorted(block.wall_ns * 1e-9 / block.steps for block in blocks)
    low, high = median_interval(len(seconds))
    return StepTime(median(seconds), seconds[low], seconds[high])


def median_interval(count: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The ranks, from 0, between which the true median lies with at least this confidence.

    The number of values below the median is binomial(count, 1/2), whatever the distribution
    (David and Nagaraja, Order Statistics, 7.1). Below six values even minimum to maximum is less
    certain; it is what there is.
    """
    outside = 0.0
    rank = 0
    while rank < (count - 1) // 2:
        # Raising both ends by one leaves out the chance of exactly `rank` values on either side.
        outside += 2 * comb(count, rank) / 2**count
        if outside > 1 - confidence:
            break
        rank += 1
    return max(0, rank - 1), count - 1 - max(0, rank - 1)


def warmup_debt_seconds(launch: Launch, step_seconds: float) -> float:
    """What the first steps cost beyond what as many steady steps would: compilation, mostly.

    One number for all ways to compile with the first steps. It cannot be negative.
    """
    spent = sum(launch.warmup_ns) * 1e-9
    return max(0.0, spent - len(launch.warmup_ns) * step_seconds)


def cpu_share(blocks: Sequence[Block]) -> float | None:
    """CPU seconds per second of wall time."""
    wall = sum(block.wall_ns for block in blocks)
    return sum(block.cpu_ns for block in blocks) / wall if wall else None
