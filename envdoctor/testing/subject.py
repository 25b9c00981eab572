"""A row under test, as the requirements ask it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envdoctor.bench.parity.evidence import full_data
from envdoctor.bench.worker import Worker
from envdoctor.child.job import Job
from envdoctor.target.channel import WorkerEnded
from envdoctor.testing.verdict import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from envdoctor.api import Backend
    from envdoctor.bench.plan import PlannedRow
    from envdoctor.child.setting import Setting
    from envdoctor.testing.ground import Ground
    from envdoctor.workload.prepare import Prepared


@dataclass(frozen=True)
class Subject:
    """One row, on the ground that it shares with others."""

    ground: Ground
    row: PlannedRow
    plugin_module: str
    """The module that its entry point names."""
    chosen: tuple[str, ...] = ()
    """The workloads that it is tried on; all families if empty."""

    @property
    def families(self) -> tuple[str, ...]:
        """The workloads that it is tried on, the one that asks the least first."""
        return tuple(
            each for each in self.ground.families if not self.chosen or each in self.chosen
        )

    @property
    def backend(self) -> Backend:
        """Its record."""
        return self.row.backend

    @property
    def worker(self) -> Worker:
        """The float32 worker that the cases of this row share."""
        return self.ground.worker_of(self.row)

    @property
    def setting(self) -> Setting:
        """Strict float32 on all CPUs: the setting of the shared worker."""
        return self.row.setting("fp32", len(self.ground.host.cpus))

    @contextmanager
    def fresh_worker(self, setting: Setting) -> Iterator[Worker]:
        """A worker of one's own, with nothing loaded yet; it is ended on leaving.

        The shared worker ends first: nothing idles beside.
        """
        self.ground.drop_worker()
        with Worker(self.ground.host, self.backend, self.row.interpreter, setting) as worker:
            yield worker

    def supports(self, name: str) -> bool:
        """Whether the backend can build a workload, rather than refuse it.

        Raises:
            WorkerEnded: it failed instead of refusing.
        """

        def ask() -> bool:
            try:
                self.build(self.ground.prepared(name))
            except WorkerEnded as ended:
                if ended.outcome.status != "unsupported":
                    raise
                return False
            return True

        return self.ground.supports((self.row.row.title, name), ask)

    def first_of(self, *names: str) -> Prepared:
        """The first of these workloads, and then of the families, that the backend can build.

        Raises:
            NotApplicable: it can build none of them.
            WorkerEnded: it failed instead of refusing.
        """
        for name in (*names, *self.families):
            if self.supports(name):
                return self.ground.prepared(name)
        raise NotApplicable("the backend supports none of the families")

    def home(self) -> Prepared:
        """The first family that the backend can build; raises what `first_of` raises."""
        return self.first_of()

    def build(
        self,
        prepared: Prepared,
        *,
        worker: Worker | None = None,
        setting: Setting | None = None,
        data: Mapping[str, NDArray[Any]] | None = None,
    ) -> Worker:
        """Build a workload as it is timed, from its regular weights; returns the worker.

        Args:
            prepared: the workload.
            worker: that builds it, and the setting that it was loaded with; the shared one.
            setting: see `worker`.
            data: other data than the workload's own.
        """
        chosen = worker or self.worker
        job = Job(prepared.workload, prepared.optimizer, setting or self.setting)
        chosen.build(job, prepared.weights(), data or full_data(prepared))
        return chosen
