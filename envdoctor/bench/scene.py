"""Everything that the launches of a workload share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from envdoctor.bench.ceilings import Ceilings
    from envdoctor.bench.crew import Crew
    from envdoctor.bench.energy import Counter
    from envdoctor.bench.known import Known
    from envdoctor.bench.ledger import Ledger
    from envdoctor.bench.presets import Preset
    from envdoctor.bench.prove import Expected, Oracle
    from envdoctor.bench.seat import FirstLosses
    from envdoctor.bench.worker import Host
    from envdoctor.model.cell import Row
    from envdoctor.model.run import WorkloadRecord
    from envdoctor.workload.prepare import Prepared


class GpuWatch(Protocol):
    """Whoever can tell whether the GPU holds itself back."""

    def throttled(self) -> bool | None:
        """Whether it does right now, for heat or a power brake; None where it is not told."""


@dataclass(frozen=True)
class Scene:
    """Of one workload; parts of it of the whole run."""

    host: Host
    ledger: Ledger
    oracle: Oracle
    prepared: Prepared
    record: WorkloadRecord
    preset: Preset
    first_losses: FirstLosses
    expected: Expected | None
    """Of the oracle; None if nothing is proven in this run."""
    known: Known
    ceilings: Ceilings
    crew: Crew
    """The workers that go on from workload to workload."""
    counter: Counter | None = None
    """For energy, if it was asked for and can be read."""
    gpu: GpuWatch | None = None
    precisions: dict[Row, float | None] = field(default_factory=dict)
    """The error of each row's products, measured once a run; all workloads share it."""
