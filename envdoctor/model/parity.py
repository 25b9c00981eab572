"""The same-work matrix: a certificate, or an ending, for each row, workload and precision."""

from __future__ import annotations

from msgspec import Struct

from envdoctor.model.cell import Certificate, Row
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import BrokenPlugin, Unavailable


class Entry(Struct, frozen=True, kw_only=True):
    """One row on one workload at one precision."""

    row: Row
    workload: str
    outcome: Outcome
    certificate: Certificate | None = None


class Reference(Struct, frozen=True, kw_only=True):
    """How well the reference agrees with itself on a workload."""

    workload: str
    finite_difference_error: float
    """Of its float64 gradients against a central difference of its losses, relative."""


class Matrix(Struct, frozen=True, kw_only=True):
    """All entries."""

    references: tuple[Reference, ...] = ()
    entries: tuple[Entry, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()
    broken_plugins: tuple[BrokenPlugin, ...] = ()
