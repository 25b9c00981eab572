"""Registers the MindSpore backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_mindspore import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def environment(setting: Setting) -> Mapping[str, str]:
    """OpenMP reads its thread count at import; its log is for errors only."""
    return {"OMP_NUM_THREADS": str(setting.threads), "GLOG_v": "3"}


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """Compiled as a graph, and operation by operation."""
    yield Backend(
        name="mindspore",
        summary="MindSpore",
        module="mindspore",
        distributions=("mindspore",),
        trainer="envdoctor_mindspore.trainer:Trainer",
        modes=(
            Mode(
                name="graph",
                summary="mindspore.jit over the whole step",
                compiled=True,
                practice=(
                    "gather, forward, backward and update in one graph",
                    "AdamW of mindspore.experimental.optim, which corrects the bias as specified",
                ),
            ),
            Mode(
                name="pynative",
                summary="mindspore.nn cells and value_and_grad, operation by operation",
                practice=(
                    "AdamW of mindspore.experimental.optim, which compiles its own update",
                    "gather inside the step",
                ),
            ),
        ),
        at_least="2.7",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What the installed files say."""
    yield Collector(name="mindspore", summary="MindSpore, from its files", run=facts.collect)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="mindspore",
        summary="MindSpore on the CPU, and on an Ascend processor",
        module="mindspore",
        distributions=("mindspore",),
        entry="envdoctor_mindspore.probe:probe",
        environment={"GLOG_v": "3"},
        seconds=90,
    )
