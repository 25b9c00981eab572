"""Yields text where a record is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_backends() -> Iterator[str]:
    """Yields a name instead of a record."""
    yield "torch"
