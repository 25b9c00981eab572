"""What two runs say about each other, row by row, and how the conditions on them came out.

Ratios are B over A: above 1, B takes longer. What has no number is None, and a reason says why.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from envdoctor.model.cell import Row

Status = Literal["compared", "not comparable", "too noisy", "no speed", "only in A", "only in B"]
View = Literal["step time", "relative"]
"""Whose ratio it is: of the step times as they are, or of those over a reference row's."""
Result = Literal["failed", "passed", "cannot be told"]


class Side(Struct, frozen=True, kw_only=True):
    """What names one of the two runs."""

    id: str
    started_at: str
    state: str
    envdoctor_version: str


class Difference(Struct, frozen=True, kw_only=True):
    """Something that is not the same on both sides, in words for people."""

    what: str
    a: str
    b: str


class Measured(Struct, frozen=True, kw_only=True):
    """What one run says of a row on a workload."""

    step_seconds: float
    """The median over its kept blocks."""
    warmup_debt_seconds: float | None = None
    """Of its first launch."""
    caches: str = ""
    """Whether compilers found something that an earlier launch or run had left: cold or warm."""
    footprint_bytes: int | None = None
    working_set_bytes: int | None = None
    metric: str = ""
    value: float | None = None
    standard_error: float | None = None


class Ratio(Struct, frozen=True, kw_only=True):
    """A ratio of times with its 95 % interval, shared out over all ratios of the report."""

    ratio: float
    low: float
    high: float


class Pair(Struct, frozen=True, kw_only=True):
    """One row on one workload in both runs, or in one of them."""

    workload: str
    row: Row
    status: Status
    reason: str = ""
    """A sentence, where it is not compared."""
    differences: tuple[Difference, ...] = ()
    """What makes it not comparable."""
    changed: tuple[Difference, ...] = ()
    """Versions and variables that differ: perhaps the cause of a ratio, no obstacle to it."""
    a: Measured | None = None
    b: Measured | None = None
    view: View | None = None
    reference: Row | None = None
    """The row that both runs are measured by, in the relative view."""
    ratio: Ratio | None = None
    """Of the view: what verdicts and conditions rest on."""
    step_ratio: Ratio | None = None
    """Of the step times as they are, whatever the view."""
    blocks: tuple[int, int] | None = None
    """Blocks of A and of B behind the ratio."""
    launches: tuple[int, int] | None = None
    doubt: float = 0.0
    """What the ratio may be off by beyond its interval, because of a run with noise grade D: 0.14
    is 14 %."""
    verdict: str = ""


class Pace(Struct, frozen=True, kw_only=True):
    """How the machine itself did on a workload: the time of a fixed piece of work, B over A."""

    workload: str
    ratio: float


class Check(Struct, frozen=True, kw_only=True):
    """One ratio that a condition was held against."""

    workload: str
    left: str
    """A row or, between runs, A or B."""
    right: str
    subject: str = ""
    """Between runs: the row, with the one that it is measured by, if any."""
    result: Result
    ratio: Ratio | None = None
    """Left over right. It is there, too, where only noise leaves the condition in doubt."""
    reason: str = ""
    """Why it cannot be told."""


class Finding(Struct, frozen=True, kw_only=True):
    """How a condition came out."""

    condition: str
    factor: float
    result: Result
    checks: tuple[Check, ...] = ()
    reason: str = ""
    """Why it cannot be told, where there was nothing to check."""


class Comparison(Struct, frozen=True, kw_only=True):
    """Two runs, row by row."""

    a: Side
    b: Side
    margin: float
    """Differences up to this are of no practical meaning."""
    pairs: tuple[Pair, ...]
    paces: tuple[Pace, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know of either run."""
    findings: tuple[Finding, ...] = ()
