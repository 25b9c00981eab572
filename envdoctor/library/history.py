"""What is said of a workload over time: a point for each run and row, and the latest change."""

from __future__ import annotations

from msgspec import Struct

from envdoctor.model.cell import Row
from envdoctor.model.comparison import Comparison

TREND_SCHEMA = 1


class Point(Struct, frozen=True, kw_only=True):
    """What one run says of one row on the workload."""

    run: str
    names: tuple[str, ...] = ()
    started_at: str
    row: Row
    version: str
    """Of the framework."""
    step_seconds: float
    low_seconds: float
    high_seconds: float
    """The 95 % interval of the median, inside this run alone."""
    grade: str = ""


class LeftOut(Struct, frozen=True, kw_only=True):
    """A run that is no part of the history, and why."""

    run: str
    started_at: str = ""
    reason: str


class Trend(Struct, frozen=True, kw_only=True):
    """The history of a workload on one machine, oldest first."""

    schema: int = TREND_SCHEMA
    workload: str
    machine: str
    """The processor and the CPUs of the budget, or the GPUs, of the latest run."""
    points: tuple[Point, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    comparison: Comparison | None = None
    """The latest run (B) against the best earlier one (A); None without any."""
    choice: str = ""
    """Why the baseline is the one that it is, or why there is none; a sentence."""
