"""Facts about the machine, as far as a measurement depends on them."""

from __future__ import annotations

from msgspec import Struct


class System(Struct, frozen=True, kw_only=True):
    """The operating system."""

    name: str
    release: str
    architecture: str
    python: str


class Cpu(Struct, frozen=True, kw_only=True):
    """The processor, and how much of it this process may use."""

    model: str
    logical: int
    """Logical CPUs of the machine."""
    allowed: tuple[int, ...]
    """The CPUs that the affinity mask allows."""
    quota: float | None
    """CPUs' worth of time that the control groups grant; None without a limit."""


class HostMemory(Struct, frozen=True, kw_only=True):
    """The memory of the machine."""

    total_bytes: int
    available_bytes: int
    limit_bytes: int | None
    """The limit of the control groups; None without one."""


class Facts(Struct, frozen=True, kw_only=True):
    """What detectors found; None where nothing could be found out."""

    system: System | None = None
    cpu: Cpu | None = None
    memory: HostMemory | None = None
    gpus: tuple[str, ...] = ()
    """Names, with their memory."""
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""
