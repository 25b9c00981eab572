"""One serialisable snapshot: a machine and an environment on it, as they were found."""

from __future__ import annotations

from msgspec import Struct

from envdoctor.model.environment import Environment
from envdoctor.model.machine import Machine
from envdoctor.model.outcome import Outcome

SNAPSHOT_SCHEMA = 1


class ProbeStep(Struct, frozen=True, kw_only=True):
    """One thing that a probe tried."""

    name: str
    """`import`, `devices`, `allocate`, `matmul`, `convolution`, `attention`, `gradient`."""
    passed: bool
    seconds: float | None = None
    error: float | None = None
    """The largest relative difference from the known numbers."""
    message: str = ""


class ProbeResult(Struct, frozen=True, kw_only=True):
    """What became of exercising a framework on a device, in a child of its own."""

    framework: str
    device: str
    """`cpu`, `cuda:0`, `mps`; empty if the probe ended before it knew."""
    outcome: Outcome
    steps: tuple[ProbeStep, ...] = ()
    details: dict[str, str] = {}
    """What the framework says of itself: `version`, `cuda`, `architectures`, `threads`."""
    exit_code: int | None = None
    """As the system tells it: negative for a signal."""
    output_tail: str = ""
    """The end of what it wrote to its log."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """All that checks judge."""

    schema: int = SNAPSHOT_SCHEMA
    envdoctor_version: str = ""
    taken_at: str = ""
    machine: Machine
    environment: Environment
    probes: tuple[ProbeResult, ...] | None = None
    """None if nothing was exercised."""
