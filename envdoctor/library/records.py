"""What is said of stored runs: one line each in a list, and the history of a workload."""

from __future__ import annotations

from msgspec import Struct

from envdoctor.model.cell import Row
from envdoctor.model.comparison import Comparison

LISTING_SCHEMA = 1
TREND_SCHEMA = 1


class Entry(Struct, frozen=True, kw_only=True):
    """One file of the folder, as far as its beginning tells."""

    id: str
    """The name of the file without its ending: what other commands take."""
    names: tuple[str, ...] = ()
    """What the user calls it."""
    size_bytes: int
    modified_ns: int
    """With the size, what tells that the file is still the one that was looked at."""
    started_at: str = ""
    """ISO 8601, UTC; empty if the file could not be read."""
    state: str = ""
    workloads: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    """Their titles."""
    grade: str = ""
    """The worst noise grade of its workloads; empty without one, or if nobody has looked yet."""
    verdict: str = ""
    """What came first, in a few words; empty if nobody has looked yet."""
    problem: str = ""
    """Why it is no run that can be shown, in a sentence; empty if it is one."""


class Listing(Struct, frozen=True, kw_only=True):
    """The runs of a folder, newest first."""

    schema: int = LISTING_SCHEMA
    folder: str
    total: int
    """Of all files, shown or not."""
    runs: tuple[Entry, ...] = ()
    problems: tuple[Entry, ...] = ()
    """The files that are no runs that can be shown."""


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
