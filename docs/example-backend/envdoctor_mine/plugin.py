"""Registers the backend."""

from __future__ import annotations

from collections.abc import Iterator

from envdoctor.api import Backend, Mode, Setting, hookimpl


def environment(setting: Setting) -> dict[str, str]:
    """What the BLAS reads when it is loaded: the worker's variables are the only way."""
    return {"OPENBLAS_NUM_THREADS": str(setting.threads), "MKL_NUM_THREADS": str(setting.threads)}


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """One record a backend; a generator, because a plugin may offer several."""
    yield Backend(
        name="mine",
        summary="Dense networks on numpy.einsum",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_mine.trainer:Trainer",
        modes=(Mode(name="einsum", summary="hand-written gradients"),),
        precisions=("fp32", "fp64"),
        at_least="1.22",
        environment=environment,
    )
