"""Registers the Lightning backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_lightning import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRACTICE = ("the modules of the torch backend", "fused AdamW", "gradients set to None")


def environment(setting: Setting) -> Mapping[str, str]:
    """Threads for PyTorch, which reads them at import."""
    threads = str(setting.threads)
    return {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """The eager loop of the torch backend, run by Fabric and by the Trainer."""
    yield Backend(
        name="lightning",
        summary="Lightning over PyTorch: what a trainer costs",
        module="lightning",
        distributions=("lightning",),
        trainer="envdoctor_lightning.trainer:Trainer",
        modes=(
            Mode(
                name="fabric",
                summary="a loop of one's own with Fabric's model, optimiser and backward",
                practice=PRACTICE,
                needs=("torch",),
            ),
            Mode(
                name="trainer",
                summary="Trainer.fit with automatic optimisation",
                practice=(
                    *PRACTICE,
                    "Trainer(barebones=True): no logger, no progress bar, no checkpoints",
                    "one long `fit` in a thread of its own, which takes the batches from a queue",
                ),
                needs=("torch",),
            ),
        ),
        builds_on=("envdoctor_torch",),
        precisions=("fp32", "fp64"),
        at_least="2.4",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What the installed files say."""
    yield Collector(name="lightning", summary="Lightning, from its files", run=facts.collect)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="lightning",
        summary="A layer that Fabric has set up, and a step of the Trainer",
        module="lightning",
        distributions=("lightning",),
        entry="envdoctor_lightning.probe:probe",
        builds_on=("envdoctor_torch",),
    )
