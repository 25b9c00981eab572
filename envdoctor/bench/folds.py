"""Cross-validation: each row trains the plan once a fold, when nothing is timed any more."""

from __future__ import annotations

from math import isfinite
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.bench import estimate
from envdoctor.bench.events import Began, Doing, Ended, Piece, Saved
from envdoctor.bench.parity.evidence import full_data
from envdoctor.bench.quality import assess
from envdoctor.bench.training import CHUNK_SECONDS
from envdoctor.bench.worker import NANOSECOND, Worker
from envdoctor.child.job import Job
from envdoctor.errors import InputError
from envdoctor.model.folds import Folds
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import WorkerEnded
from envdoctor.workload.folds import take_fold, why_no_folds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.bench.events import Event
    from envdoctor.bench.ledger import Ledger
    from envdoctor.bench.plan import PlannedRow
    from envdoctor.bench.worker import Host
    from envdoctor.workload.prepare import Prepared


def check_folds(workloads: Sequence[Prepared], folds: int) -> None:
    """Refuse folds that no workload can have; where some can, the others have a note.

    Raises:
        InputError: none of them can.
    """
    reasons = [why_no_folds(prepared, folds) for prepared in workloads]
    if not all(reasons):
        return
    raise InputError(
        f"{workloads[0].name} cannot be cross-validated: {reasons[0]}",
        "Take fewer --folds, or a workload on images or a table, such as mlp-tiny.",
    )


def planned_folds(
    rows: Sequence[PlannedRow], workloads: Sequence[Prepared], folds: int
) -> Iterator[Piece]:
    """The pieces of work, one a workload."""
    for prepared in workloads:
        if not why_no_folds(prepared, folds):
            yield Piece("folds", folds_seconds(rows, prepared, folds), prepared.name)


def folds_seconds(rows: Sequence[PlannedRow], prepared: Prepared, folds: int) -> float:
    """What it is guessed to take to train all rows on all folds."""
    training = estimate.steps_seconds(prepared, prepared.steps)
    each = (estimate.compile_seconds(row.mode, prepared) + training for row in rows)
    return len(rows) * estimate.start_seconds() + folds * sum(each)


GROWTH = 10
"""Of a piece over the one before it: the first steps, which may compile, say little of the rest."""


class CrossValidation:
    """The rows of a run on the folds of a workload, in a worker of its own for each row."""

    def __init__(self, host: Host, ledger: Ledger, folds: int, deadline: float) -> None:
        """Prepare it.

        Args:
            host: what all workers of the run share.
            ledger: the record.
            folds: how many.
            deadline: on the monotonic clock; no fold begins beyond it.
        """
        self._host = host
        self._ledger = ledger
        self._folds = folds
        self._deadline = deadline

    def run(self, rows: Sequence[PlannedRow], prepared: Prepared) -> Iterator[Event]:
        """Train all rows that earned a speed. The record is saved after each fold."""
        if why_no_folds(prepared, self._folds):
            return
        name = prepared.name
        rows = [row for row in rows if self._ledger.cell(row.row, name).comparable]
        if not rows:
            return
        title = f"{name}: {self._folds}-fold cross-validation"
        yield Began(title, folds_seconds(rows, prepared, self._folds), "folds", name)
        for index, row in enumerate(rows):
            for event in self._row(row, prepared):
                if isinstance(event, Doing):
                    yield Doing(event.what, (index + event.done) / len(rows))
                else:
                    yield event
        yield Ended()

    def _row(self, row: PlannedRow, prepared: Prepared) -> Iterator[Doing | Saved]:
        """Train one row; whatever happens to its worker, what was measured of it stands."""
        found = Folds(wanted=self._folds)
        self._ledger.keep(row.row, prepared.name, folds=found)
        try:
            yield Doing(f"starting {row.row.title}", 0.0)
            setting = row.setting(row.precision, len(self._host.cpus))
            with Worker(self._host, row.backend, row.interpreter, setting) as worker:
                worker.load()
                for number in range(self._folds):
                    if monotonic() >= self._deadline:
                        return
                    fold = take_fold(prepared, self._folds, number)
                    self._build(worker, fold, Job(fold.workload, fold.optimizer, setting))
                    title = f"{row.row.title}, fold {number + 1} of {self._folds}"
                    for part in take_plan(worker, fold.steps):
                        yield Doing(title, (number + part) / self._folds)
                    found = structs.replace(found, values=(*found.values, _value(worker, fold)))
                    self._ledger.keep(row.row, prepared.name, folds=found)
                    yield Saved(self._ledger.run)
        except WorkerEnded as ended:
            found = structs.replace(found, outcome=ended.outcome)
            self._ledger.keep(row.row, prepared.name, folds=found)
            yield Saved(self._ledger.run)

    def _build(self, worker: Worker, fold: Prepared, job: Job) -> None:
        """Build the trainer anew, from the same weights; the data are read once, and removed."""
        data = full_data(fold)
        try:
            worker.build(job, fold.weights(), data)
        finally:
            self._host.folder.remove(data)


def take_plan(worker: Worker, steps: int) -> Iterator[float]:
    """Take the whole plan in pieces of some seconds; yields the share done."""
    taken, chunk = 0, 1
    while taken < steps:
        yield taken / steps
        answer = worker.block(taken, chunk, steps, None)
        taken += chunk
        step_seconds = answer["wall_ns"] * NANOSECOND / chunk
        affordable = int(CHUNK_SECONDS / max(step_seconds, 1e-7))
        chunk = max(1, min(steps - taken, GROWTH * chunk, affordable))


def _value(worker: Worker, fold: Prepared) -> float:
    """The metric of the gate on the fold's test data."""
    outputs, _ = worker.evaluate("test")
    if not isfinite(float(outputs.sum())):
        raise WorkerEnded(
            Outcome(status="failed", reason="the loss is no longer a number after training.")
        )
    return assess(outputs, fold.samples.test_targets, fold.workload.loss, None).value
