"""The answer of `envdoctor choose`: candidates with reasons, each of which names its source."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

CHOICE_SCHEMA = 1

Answer = Literal["yes", "partly", "no", "unknown"]
Priority = Literal["speed", "memory", "start-up"]
PRIORITIES: tuple[Priority, ...] = ("speed", "memory", "start-up")
Outcome = Literal[
    "first", "behind", "not ranked", "not measured", "limited", "unknown", "ruled out"
]
"""The first four are of what meets the needs. `limited`: in part, where others do in full."""
Decision = Literal["one", "tie", "undecided", "too noisy", "not measured", "none fits"]


Quantity = Literal["step_seconds", "memory_bytes", "start_seconds"]


class Figure(Struct, frozen=True, kw_only=True):
    """A number that can be derived from the run file again."""

    workload: str
    row: str
    """Its title, such as `torch compile`."""
    quantity: Quantity
    """Seconds per step; bytes, to have the framework loaded and to train, or of the device; seconds
    before the first steady step."""
    value: float


class Source(Struct, frozen=True, kw_only=True):
    """Where a reason comes from."""

    kind: Literal["fact", "run", "machine"]
    where: str
    """The address of a page, the id of a run with its workloads, or what was looked at."""
    seen: str = ""
    """Of a page: the day on which it was read."""
    confidence: str = ""
    """Of a page: how plainly it says so."""
    figures: tuple[Figure, ...] = ()
    """Of a run: the numbers that the reason rests on."""


class Reason(Struct, frozen=True, kw_only=True):
    """A sentence and its source."""

    text: str
    source: Source


class Judged(Struct, frozen=True, kw_only=True):
    """Whether a framework meets a need."""

    need: str
    answer: Answer
    reason: Reason | None = None
    """None where nothing is known."""


class Candidate(Struct, frozen=True, kw_only=True):
    """A framework, how it came out, and why."""

    framework: str
    outcome: Outcome
    rank: int | None = None
    """Shared by what cannot be told apart."""
    row: str = ""
    """Its best row."""
    value: float | None = None
    """Of the priority: seconds per step (of one workload), bytes, or seconds."""
    ratio: float | None = None
    """To the first one's, in times per step."""
    low: float | None = None
    high: float | None = None
    """The ends of its interval: all of a ranking hold together with 95 %."""
    verdict: str = ""
    version: str = ""
    """As installed here; empty if it is not."""
    needs: tuple[Judged, ...] = ()
    reasons: tuple[Reason, ...] = ()
    hindrance: str = ""
    """Why it does not run here as it is."""
    remedy: str = ""
    """The command that would change that."""


class Measurement(Struct, frozen=True, kw_only=True):
    """The run that the ranking rests on."""

    run: str
    started_at: str
    workloads: tuple[str, ...] = ()
    """Those that count."""
    machine: str = ""


class Choice(Struct, frozen=True, kw_only=True):
    """The whole answer."""

    schema: int = CHOICE_SCHEMA
    needs: tuple[str, ...] = ()
    priority: Priority = "speed"
    valid_as_of: str = ""
    """The day of the facts."""
    decision: Decision
    headline: str
    """The answer in a sentence."""
    recommended: tuple[str, ...] = ()
    """One framework, those that are equal, or none."""
    measurement: Measurement | None = None
    candidates: tuple[Candidate, ...] = ()
    here: tuple[Reason, ...] = ()
    """Where this machine is not what the needs are about."""
    would_change: tuple[Reason, ...] = ()
    not_measured: tuple[str, ...] = ()
