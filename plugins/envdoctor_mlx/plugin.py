"""Registers the MLX backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_mlx import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def environment(setting: Setting) -> Mapping[str, str]:
    """The threads of whichever BLAS this build has, and no TF32 where there is a GPU."""
    threads = str(setting.threads)
    return {
        "MLX_ENABLE_TF32": "0",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "VECLIB_MAXIMUM_THREADS": threads,
    }


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """One mode: the compiled step of MLX's own documentation.

    No fp64: MLX has the type, on the CPU, but its exp, erf and softmax are as accurate there as
    in float32.
    """
    yield Backend(
        name="mlx",
        summary="MLX, with mlx.nn and mlx.optimizers",
        module="mlx",
        distributions=("mlx",),
        trainer="envdoctor_mlx.trainer:Trainer",
        modes=(
            Mode(
                name="compiled",
                summary="mx.compile over the whole step, with model and optimiser as its state",
                compiled=True,
                practice=(
                    "gather inside the step",
                    "one evaluation a step, asynchronous",
                    "mx.fast attention and layer norm",
                    "AdamW with bias correction, without the digits that MLX's own loses early",
                ),
            ),
        ),
        precisions=("fp32",),
        at_least="0.29",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What the installed files say."""
    yield Collector(name="mlx", summary="MLX and its backends, from their files", run=facts.collect)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="mlx",
        summary="MLX on the CPU, Metal and CUDA",
        module="mlx",
        distributions=("mlx",),
        entry="envdoctor_mlx.probe:probe",
        seconds=60,
    )
