"""Registers the JAX backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, Setting, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def environment(setting: Setting) -> Mapping[str, str]:
    """The size of XLA's thread pool, and memory on demand where there is a GPU."""
    variables = {
        "PJRT_NPROC": str(setting.threads),
        "NPROC": str(setting.threads),
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    if setting.device == "cpu":
        variables["JAX_PLATFORMS"] = "cpu"
    return variables


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """One mode: whoever uses JAX, jits."""
    yield Backend(
        name="jax",
        summary="JAX without a layer library",
        module="jax",
        distributions=("jax",),
        trainer="envdoctor_jax.trainer:Trainer",
        modes=(
            Mode(
                name="jit",
                summary="jax.jit over the whole step",
                compiled=True,
                practice=("parameters and optimiser state donated", "gather inside the step"),
            ),
        ),
        precisions=("fp32", "fp64"),
        at_least="0.4.30",
        environment=environment,
    )
