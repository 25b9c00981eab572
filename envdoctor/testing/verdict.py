"""How a requirement ends: kept, broken with a reason, or beside the point with a reason."""

from __future__ import annotations

from typing import Literal
from unittest import SkipTest

from msgspec import Struct

Status = Literal["passed", "failed", "not applicable"]


class NotConforming(AssertionError):
    """The backend breaks a requirement; the text says how. A failure to every test runner."""


class NotApplicable(SkipTest):
    """The requirement says nothing about this backend; the text says why. A skip to pytest."""


class Verdict(Struct, frozen=True, kw_only=True):
    """One requirement of one row."""

    row: str
    """`torch compile`: the backend, and its mode where that is not the same word."""
    requirement: str
    status: Status
    detail: str = ""
    """What was shown, what is broken, or why there was nothing to show."""


def require(kept: object, broken: str) -> None:
    """Raise NotConforming with a sentence unless something is true."""
    if not kept:
        raise NotConforming(broken)
