"""Registers the tinygrad backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_tinygrad import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def environment(setting: Setting) -> Mapping[str, str]:
    """Types and threads, which tinygrad reads from variables when it is imported."""
    default = {"fp64": "float64"}.get(setting.precision, "float32")
    variables = {
        "NUM_CPU_THREADS": str(setting.threads),
        "DEFAULT_FLOAT": default,
        "OPTIM_DTYPE": default,
        "ALLOW_TF32": "0",
    }
    if setting.device == "cpu":
        # Else every driver that could be there is tried first.
        variables["DEV"] = "CPU"
    return variables


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """One mode: whoever trains with tinygrad puts the step into a TinyJit."""
    yield Backend(
        name="tinygrad",
        summary="tinygrad",
        module="tinygrad",
        distributions=("tinygrad",),
        trainer="envdoctor_tinygrad.trainer:Trainer",
        modes=(
            Mode(
                name="jit",
                summary="TinyJit over the whole step",
                compiled=True,
                keeps=True,
                practice=(
                    "layers and optimisers of tinygrad.nn",
                    "gather, forward, backward and update in one TinyJit",
                    "kernels by its heuristics, without a search (BEAM)",
                ),
            ),
        ),
        precisions=("fp32", "fp64"),
        at_least="0.14",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What the installed files say."""
    yield Collector(name="tinygrad", summary="tinygrad, from its files", run=facts.collect)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="tinygrad",
        summary="tinygrad on the CPU, NVIDIA and AMD GPUs, OpenCL and Metal",
        module="tinygrad",
        distributions=("tinygrad",),
        entry="envdoctor_tinygrad.probe:probe",
        seconds=90,
    )
