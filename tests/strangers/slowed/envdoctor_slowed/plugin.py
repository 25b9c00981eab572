"""NumPy twice: as it is, and with a share of its step time planted on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """One backend; a row that is slow, and two that are alike."""
    yield Backend(
        name="slowed",
        summary="NumPy with a planted difference",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_slowed.trainer:Trainer",
        modes=(
            Mode(name="plain", summary="as it is"),
            Mode(name="copy", summary="as it is, again"),
            Mode(name="by5", summary="takes 1.05 times as long"),
        ),
        precisions=("fp32", "fp64"),
    )
