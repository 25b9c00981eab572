"""Proves rows: the oracle's evidence once for each workload, then a certificate for each row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from envdoctor.bench.parity.compare import G32, loss_error
from envdoctor.bench.parity.diagnosis import Side
from envdoctor.bench.parity.evidence import Evidence, Task, collect, full_data, parity_task
from envdoctor.bench.parity.gate import Optimizers, certify, probe_optimizers
from envdoctor.bench.parity.oracle_check import finite_difference_error
from envdoctor.bench.worker import Worker
from envdoctor.errors import IncompleteError
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from envdoctor.bench.plan import PlannedRow
    from envdoctor.bench.worker import Host
    from envdoctor.model.cell import Certificate
    from envdoctor.workload.prepare import Prepared

LARGEST_ORACLE_ERROR = 1e-4
"""Between the oracle's gradient and a difference of its losses; a wrong gradient is off by 1e-1,
a kink of a ReLU or a maximum near the path by a little."""


@dataclass(frozen=True)
class Expected:
    """What the oracle says of a workload."""

    task: Task
    evidence: Evidence
    oracle_error: float
    """Of the oracle's own gradients, against finite differences."""
    timed: Task
    """The first steps of the plan as they are timed: regular weights, the timed optimiser."""
    timed_losses: tuple[float, ...]
    """Float64 losses of the first steps with the timed optimiser, from the regular weights."""
    timed_reference_error: float
    """How far the reference's own float32 lies from them."""


class _Reference(Worker):
    """The oracle's worker: when it ends, nothing can be proven, and no row is to blame."""

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Ask as any worker is asked, but let an ending end the run."""
        try:
            return super().ask(request, **arguments)
        except WorkerEnded as ended:
            raise IncompleteError(
                f"the reference backend failed: {ended.outcome.reason}",
                ended.outcome.details or ended.outcome.hint,
            ) from ended


class Oracle:
    """The reference in float64, as a worker that is started when it is needed."""

    def __init__(self, host: Host, row: PlannedRow) -> None:
        self._host = host
        self._row = row
        self._setting = row.setting("fp64", len(host.cpus))
        self._worker: _Reference | None = None

    def __enter__(self) -> Oracle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker: nothing idles beside a measurement."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    @property
    def side(self) -> Side:
        """The oracle as the gate asks it."""
        if self._worker is None:
            self._worker = _Reference(
                self._host, self._row.backend, self._row.interpreter, self._setting
            )
            self._worker.load()
        return Side(self._worker, self._setting)

    def expect(self, prepared: Prepared) -> Expected:
        """The evidence that rows are compared with.

        Raises:
            IncompleteError: the oracle failed or contradicts itself, so that nothing is proven.
        """
        side, task = self.side, parity_task(prepared)
        error = finite_difference_error(side, task, prepared.seed)
        if error > LARGEST_ORACLE_ERROR:
            raise IncompleteError(
                f"the reference backend's gradients for {prepared.name} contradict its own losses "
                f"(relative error {error:.1e}).",
                "This is a bug in envdoctor; please report it with the workload file.",
            )
        timed = Task(
            prepared.workload,
            prepared.weights(),
            full_data(prepared),
            prepared.optimizer,
            min(G32.loss_steps, prepared.steps),
        )
        exact = collect(side.subject, timed, side.setting).losses
        single = replace(side.setting, precision="fp32")
        rounded = collect(side.subject, timed, single).losses
        return Expected(
            task=task,
            evidence=collect(side.subject, task, side.setting),
            oracle_error=error,
            timed=replace(timed, steps=0),
            timed_losses=tuple(exact),
            timed_reference_error=loss_error(rounded, exact),
        )


def check_device(host: Host, row: PlannedRow) -> None:
    """Let a row start the device that it is to be timed on.

    Raises:
        WorkerEnded: it cannot, with the reason; no use in proving it first.
    """
    setting = row.setting("fp32", len(host.cpus))
    with Worker(host, row.backend, row.interpreter, setting) as worker:
        worker.load()


class Suspect:
    """A row under proof, in one worker for all workloads; a dead worker is replaced."""

    def __init__(self, host: Host, row: PlannedRow, precision: str, beside: int = 0) -> None:
        """Nothing starts yet.

        Args:
            host: what workers share.
            row: what is to be proven.
            precision: of the proof.
            beside: how many others are at work meanwhile; thread pools that share their CPUs with
                others spin against them, so each takes its part.
        """
        self._host = host
        self._row = row
        self._setting = row.setting(precision, max(1, len(host.cpus) // (1 + beside)))
        self._worker: Worker | None = None
        self._optimizers: Optimizers | None = None

    def __enter__(self) -> Suspect:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker is not None:
            self._worker.close()

    def certify(self, oracle: Oracle, expected: Expected) -> Certificate:
        """A certificate for one workload.

        Raises:
            WorkerEnded: the row's worker failed or died; the next workload gets a fresh one.
        """
        try:
            worker = self._start()
            side = Side(worker, self._setting)
            if self._optimizers is None:
                self._optimizers = probe_optimizers(side)
            return certify(side, oracle.side, expected.task, expected.evidence, self._optimizers)
        except WorkerEnded:
            if self._worker is not None:
                self._worker.close()
                self._worker = None
            raise

    def _start(self) -> Worker:
        if self._worker is None:
            self._worker = Worker(
                self._host, self._row.backend, self._row.interpreter, self._setting
            )
            self._worker.load()
        return self._worker
