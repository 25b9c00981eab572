"""Spells a hook in the singular."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_backend() -> Iterator[Backend]:
    """Nobody calls this."""
    yield from ()
