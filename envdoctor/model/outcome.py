"""How something that ran in the user's environment ended: data, never an exception."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Status = Literal[
    "ok", "different", "failed", "crashed", "out_of_memory", "timed_out", "unsupported"
]


class Outcome(Struct, frozen=True, kw_only=True):
    """An ending with its reason."""

    status: Status
    """`ok`; `different`: it runs, but does other work; `failed`: it raised; `crashed`: the process
    ended by itself; `out_of_memory`; `timed_out`; `unsupported`: the backend says that it cannot.
    """
    reason: str = ""
    """One sentence for the table."""
    hint: str = ""
    """What to do about it, if anything is known."""
    details: str = ""
    """The traceback or the end of the log."""


OK = Outcome(status="ok")
