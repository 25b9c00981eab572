"""What cross-validation found of one row on one workload."""

from __future__ import annotations

from msgspec import Struct

from envdoctor.model.outcome import Outcome


class Folds(Struct, frozen=True, kw_only=True):
    """The metric of the gate on each fold, after training on all the others."""

    wanted: int
    """How many folds there are."""
    values: tuple[float, ...] = ()
    """In the order of the folds; fewer than wanted where the run or the worker ended, or the time
    limit was reached."""
    outcome: Outcome | None = None
    """How the worker ended on the next fold, if it did."""
