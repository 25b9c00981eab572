"""What the doctor says of one machine and of each environment on it."""

from __future__ import annotations

from msgspec import Struct

from envdoctor.model.finding import Finding, Status
from envdoctor.model.snapshot import Snapshot

DIAGNOSIS_SCHEMA = 1


class Checked(Struct, frozen=True, kw_only=True):
    """A check that ran, with the worst that it found."""

    id: str
    group: str
    summary: str
    status: Status = "ok"
    """Of its findings that are not muted; `ok` if there are none."""


class Counts(Struct, frozen=True, kw_only=True):
    """How many checks ran, and how many findings there are of each kind."""

    checks: int = 0
    fail: int = 0
    warn: int = 0
    info: int = 0
    error: int = 0
    """What could not be checked."""
    muted: int = 0
    """In none of the numbers above."""
    consequences: int = 0
    """Those of the numbers above that another finding explains."""


class Target(Struct, frozen=True, kw_only=True):
    """One environment: what was found of it, and the facts that this rests on."""

    interpreter: str
    findings: tuple[Finding, ...] = ()
    """The worst first; what another one explains names it in `caused_by`."""
    counts: Counts = Counts()
    checked: tuple[Checked, ...] = ()
    snapshot: Snapshot


class Diagnosis(Struct, frozen=True, kw_only=True):
    """The answer of `envdoctor check`."""

    schema: int = DIAGNOSIS_SCHEMA
    envdoctor_version: str = ""
    valid_as_of: str = ""
    """The day of the compatibility tables: what is newer counts as unknown."""
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()
    """What else is to be known: plugins left out, mutes that have expired."""
