"""A backend with a mode that is right, and two that are proven through it: one is not right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """The proof in float64 is that of `plain` for all three."""
    yield Backend(
        name="two-faced",
        summary="right in float64 only",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_two_faced.trainer:Trainer",
        modes=(
            Mode(name="plain", summary="right"),
            Mode(name="honest", summary="right as well", exact="plain"),
            Mode(name="false", summary="with a wrong gradient", exact="plain"),
        ),
        precisions=("fp32", "fp64"),
    )
