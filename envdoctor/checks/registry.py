"""Registers the built-in checks: one module a subject, each with its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECTS: tuple[tuple[Check, ...], ...] = ()


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """Every check of the core."""
    for checks in SUBJECTS:
        yield from checks
