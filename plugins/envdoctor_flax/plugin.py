"""Registers the Flax backend, the facts of an installed Flax, and what `--deep` tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_flax import facts

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
    """One mode: the loop that the guide on performance recommends."""
    yield Backend(
        name="flax",
        summary="Flax NNX with Optax",
        module="flax",
        distributions=("flax",),
        trainer="envdoctor_flax.trainer:Trainer",
        modes=(
            Mode(
                name="nnx",
                summary="the functional training loop: split, jax.jit, merge inside",
                compiled=True,
                practice=(
                    "modules walked while tracing, not in each step",
                    "state donated",
                    "gather inside the step",
                    "AdamW of Optax as it is",
                ),
                needs=("jax", "optax"),
            ),
        ),
        precisions=("fp32", "fp64"),
        at_least="0.11",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What is installed of it."""
    yield Collector(name="flax", summary="Flax and Optax, from their metadata", run=facts.collect)


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="flax",
        summary="A dense layer of Flax and its gradient",
        module="flax",
        distributions=("flax",),
        entry="envdoctor_flax.probe:probe",
        environment={"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
        seconds=90,
    )
