"""A backend for a framework that takes the process with it when it is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """The framework is there, by the look of it."""
    yield Backend(
        name="dies-on-import",
        summary="its framework aborts",
        module="dying_framework",
        distributions=("dying-framework",),
        trainer="envdoctor_dies_on_import.trainer:Trainer",
        modes=(Mode(name="plain", summary="one"),),
    )
