"""NumPy with one deceit a mode: right work that would earn a wrong number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

MODES = {
    "honest": "no deceit: what shows that the others have but one",
    "early": "`wait` returns while eight steps are still to be done",
    "recompiles": "compiles a program with every step",
    "half": "trains on half of each batch",
    "tf32": "rounds the operands of its products to TF32",
}


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """One backend; a row for each deceit."""
    yield Backend(
        name="liars",
        summary="NumPy with one deceit a mode",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_liars.trainer:Trainer",
        modes=tuple(Mode(name=name, summary=summary) for name, summary in MODES.items()),
        precisions=("fp32", "fp64"),
    )
