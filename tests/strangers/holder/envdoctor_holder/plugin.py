"""NumPy beside torch: as it is, and with a tensor of 256 MiB in its hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """Both modes import torch, so that the tensor is all that differs."""
    yield Backend(
        name="holder",
        summary="NumPy beside torch",
        module="torch",
        distributions=("torch",),
        trainer="envdoctor_holder.trainer:Trainer",
        modes=(Mode(name="plain", summary="no tensor"), Mode(name="holds", summary="a tensor")),
        precisions=("fp32", "fp64"),
    )
