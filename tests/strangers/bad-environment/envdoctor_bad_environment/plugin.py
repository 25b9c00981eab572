"""Raises when it is asked for the variables of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, Setting, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def environment(setting: Setting) -> Mapping[str, str]:
    """Looks up a mode that its author forgot."""
    return {"fast": {"FAST": "1"}}[setting.mode]


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """A backend that looks right until it is started."""
    yield Backend(
        name="bad-environment",
        summary="its variables raise",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_bad_environment.trainer:Trainer",
        modes=(Mode(name="plain", summary="one"),),
        environment=environment,
    )
