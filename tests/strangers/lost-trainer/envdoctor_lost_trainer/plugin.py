"""Names a trainer that is in no package, as after a rename that was not finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """A backend that looks right until it is started."""
    yield Backend(
        name="lost-trainer",
        summary="its trainer is nowhere",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_renamed.trainer:Trainer",
        modes=(Mode(name="plain", summary="one"),),
    )
