"""A backend whose device `cuda` is the CPU, with a mode that is wrong there alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """Both modes are right on the CPU, where float64 is asked."""
    yield Backend(
        name="card",
        summary="a GPU on paper",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_card.trainer:Trainer",
        modes=(
            Mode(name="honest", summary="right everywhere"),
            Mode(name="false", summary="with a wrong gradient on the device"),
        ),
        precisions=("fp32", "fp64"),
    )
