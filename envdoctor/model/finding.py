"""What a check finds, and what to do about it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Status = Literal["ok", "info", "warn", "fail", "skip", "error"]
"""`skip`: not applicable. `error`: could not be checked. Neither is a pass or a failure."""


class Evidence(Struct, frozen=True, kw_only=True):
    """A fact that the finding rests on, with where it was read."""

    fact: str
    """`torch 2.13.0 is built without CUDA`."""
    source: str = ""
    """The file, variable or interface: `torch/version.py`, `NVML`."""


class Remedy(Struct, frozen=True, kw_only=True):
    """Something to do, as a command to copy or, where there is none, in words."""

    command: str = ""
    """For the user's shell; empty if it is no command."""
    text: str = ""
    """What it does, or what to do instead of a command; a sentence."""
    needs_root: bool = False
    restarts: bool = False
    """Whether the machine, the container or the session must be started anew."""


class Finding(Struct, frozen=True, kw_only=True):
    """The answer of a check."""

    id: str
    """The check's; for ever the same."""
    status: Status
    title: str
    """One line in plain English, without a full stop."""
    evidence: tuple[Evidence, ...] = ()
    cause: str = ""
    """Why it is so, and what follows from it; a sentence or two."""
    remedies: tuple[Remedy, ...] = ()
    """The best first."""
    verify: str = ""
    """A command that shows whether the remedy has helped."""
    subject: str = ""
    """What tells several findings of one check apart: a distribution, a GPU."""
    caused_by: str = ""
    """The id of the finding that explains this one; it is then shown under that one."""
    muted: str = ""
    """The reason why the user does not want to see it."""
