"""Registers the PyTorch backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_torch import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def environment(setting: Setting) -> Mapping[str, str]:
    """OpenMP and MKL read their thread counts at import, and MKL's own variable wins."""
    threads = str(setting.threads)
    return {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """Eager, and compiled by TorchInductor."""
    yield Backend(
        name="torch",
        summary="PyTorch",
        module="torch",
        distributions=("torch",),
        trainer="envdoctor_torch.trainer:Trainer",
        modes=(
            Mode(
                name="eager",
                summary="torch.nn modules, autograd and a fused optimiser",
                practice=(
                    "channels-last convolutions",
                    "on a GPU cuDNN's benchmark mode",
                    "fused AdamW",
                    "gradients set to None",
                    "subnormal numbers taken for zero, as XLA does",
                ),
            ),
            Mode(
                name="compile",
                summary="torch.compile of forward and backward pass, fused optimiser outside",
                compiled=True,
                exact="eager",
                keeps=True,
                practice=(
                    "one graph from the gather of the batch to the gradients, by torch.func",
                    "static shapes",
                    "no guards on the modules, which nothing changes",
                    "fused AdamW",
                    "subnormal numbers taken for zero, as XLA does",
                ),
            ),
        ),
        precisions=("fp32", "fp64", "tf32", "bf16", "fp16"),
        at_least="2.4",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What the installed files say."""
    yield Collector(name="torch", summary="PyTorch, from its files", run=facts.collect)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="torch",
        summary="PyTorch on the CPU, NVIDIA, AMD and Intel GPUs, and Metal",
        module="torch",
        distributions=("torch",),
        entry="envdoctor_torch.probe:probe",
        seconds=60,
    )
