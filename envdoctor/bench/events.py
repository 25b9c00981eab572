"""What the engine tells while it works; the command line shows it, the run file keeps some."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from envdoctor.model.run import Run


Kind = Literal["reference", "proving", "starting", "timing", "folds"]
"""Of a piece of work: how far a guess is off differs more between kinds than within one."""


@dataclass(frozen=True)
class Piece:
    """A piece of work that is planned, and a rough guess at how long it takes."""

    kind: Kind
    seconds: float
    workload: str = ""
    """Empty for one that is about all of them."""
    limit_seconds: float = inf
    """What all pieces of the workload with this limit take together at most, or little more."""


@dataclass(frozen=True)
class Began:
    """A piece of work begins; `expected_seconds` is a rough guess before anything is known."""

    title: str
    expected_seconds: float
    kind: Kind = "proving"
    workload: str = ""


@dataclass(frozen=True)
class Doing:
    """What the present piece of work is at, and how much of it is done, 0 to 1."""

    what: str
    done: float


@dataclass(frozen=True)
class Ended:
    """The present piece of work is over."""


@dataclass(frozen=True)
class Saved:
    """The record has grown and is worth saving."""

    run: Run


Event = Began | Doing | Ended | Saved
