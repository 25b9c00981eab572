"""Registers the PaddlePaddle backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_paddle import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def environment(setting: Setting) -> Mapping[str, str]:
    """Paddle sets OMP_NUM_THREADS to 1 at import if nobody has set it; and no TF32 anywhere."""
    threads = str(setting.threads)
    return {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "NVIDIA_TF32_OVERRIDE": "0",
    }


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """Dynamic, and with the model turned into a static graph.

    No fp64: Paddle has the type, but the kernels of layer norm and of SGD take epsilon and momentum
    as float32 numbers, which shows as 1e-10 where a proof in float64 asks for 1e-12.
    """
    yield Backend(
        name="paddle",
        summary="PaddlePaddle",
        module="paddle",
        distributions=("paddlepaddle", "paddlepaddle-gpu"),
        trainer="envdoctor_paddle.trainer:Trainer",
        modes=(
            Mode(
                name="dynamic",
                summary="paddle.nn layers, autograd and paddle.optimizer",
                practice=(
                    "OMP_NUM_THREADS set before import, without which one thread computes",
                    "gradients released, not zeroed",
                ),
            ),
            Mode(
                name="static",
                summary="the model through paddle.jit.to_static",
                compiled=True,
                practice=(
                    "OMP_NUM_THREADS set before import, without which one thread computes",
                    "backward pass by the static graph; gather, loss and optimiser outside",
                ),
            ),
        ),
        precisions=("fp32",),
        at_least="3.0",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What the installed files say."""
    yield Collector(name="paddle", summary="PaddlePaddle, from its files", run=facts.collect)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="paddle",
        summary="PaddlePaddle on the CPU and NVIDIA GPUs",
        module="paddle",
        distributions=("paddlepaddle", "paddlepaddle-gpu"),
        entry="envdoctor_paddle.probe:probe",
        environment={"FLAGS_allocator_strategy": "auto_growth"},
        seconds=90,
    )
