"""Registers the JAX backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_jax import checks, facts

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
        precisions=("fp32", "fp64", "tf32", "bf16", "fp16"),
        at_least="0.4.30",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What the installed files say."""
    yield Collector(name="jax", summary="JAX and its plugins, from its files", run=facts.collect)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="jax",
        summary="JAX on every device of its plugins",
        module="jax",
        distributions=("jax",),
        entry="envdoctor_jax.probe:probe",
        environment={"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
        seconds=90,
    )
