"""Offers another backend called numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """Takes a name that is taken."""
    yield Backend(
        name="numpy",
        summary="not the real one",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_clash.trainer:Trainer",
        modes=(Mode(name="plain", summary="one"),),
    )
