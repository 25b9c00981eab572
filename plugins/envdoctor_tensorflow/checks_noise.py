"""Explains lines of TensorFlow's log that look like errors and are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.model.finding import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envdoctor.model.snapshot import Snapshot

NUMA_LINE = "successful NUMA node read from SysFS had negative value"
FACTORY_LINE = "when one has already been registered"


def _explain(
    check_id: str, mark: str, title: str, cause: str
) -> Callable[[Snapshot], Iterator[Finding]]:
    """A check that yields one finding if a probe has logged the line."""

    def find(snapshot: Snapshot) -> Iterator[Finding]:
        lines = (
            line
            for probe in snapshot.probes or ()
            for line in probe.output_tail.splitlines()
            if mark in line
        )
        first = next(lines, None)
        if first is not None:
            yield Finding(
                id=check_id,
                status="info",
                title=title,
                evidence=(Evidence(fact=first.strip()[:300], source="the probe's log"),),
                cause=cause,
            )

    return find


CHECKS: tuple[Check, ...] = (
    Check(
        id="numa-node-negative",
        group="tensorflow",
        summary="harmless: NUMA node -1 in TensorFlow's log",
        run=_explain(
            "numa-node-negative",
            NUMA_LINE,
            "TensorFlow's line on NUMA node -1 is harmless",
            "The system does not say which memory the GPU is nearest to, as is usual in virtual "
            "machines; TensorFlow takes node 0.",
        ),
        page=Page(
            symptoms=("successful NUMA node read from SysFS had negative value (-1)",),
            why="The kernel knows no NUMA node for the GPU, and TensorFlow takes the first.",
            seen_by="the log of the probe, with --deep",
            remedy="Ignore it.",
            sources=("ReLERNN#63",),
        ),
    ),
    Check(
        id="xla-factory-noise",
        group="tensorflow",
        summary="harmless: factories that are registered twice in TensorFlow's log",
        run=_explain(
            "xla-factory-noise",
            FACTORY_LINE,
            "TensorFlow's lines on factories registered twice are harmless",
            "Two parts of TensorFlow bring the same entry for cuDNN, cuFFT and cuBLAS; the first "
            "one is kept.",
        ),
        page=Page(
            symptoms=(
                (
                    "Unable to register cuDNN factory: Attempting to register factory for plugin "
                    "cuDNN when one has already been registered"
                ),
            ),
            why="The same factories are registered by TensorFlow and by XLA.",
            seen_by="the log of the probe, with --deep",
            remedy="Ignore them.",
            sources=("tensorflow#62075", "tensorflow#79268", "tensorflow#90790"),
        ),
    ),
)
