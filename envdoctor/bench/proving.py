"""Proves all rows of a run that are not known to be proven, side by side: nothing is timed yet."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from envdoctor.bench import estimate
from envdoctor.bench.events import Began, Ended
from envdoctor.bench.lanes import Lanes
from envdoctor.bench.parity.evidence import trajectory_steps
from envdoctor.bench.parity.gate import gate_precision
from envdoctor.bench.parity.optimizer_probe import ADAMW, probe_task
from envdoctor.bench.plan import ORACLE
from envdoctor.bench.prove import Oracle, Suspect, check_device
from envdoctor.bench.worker import Worker
from envdoctor.model.cell import Cell
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from envdoctor.bench.events import Event
    from envdoctor.bench.plan import PlannedRow
    from envdoctor.bench.prove import Expected
    from envdoctor.bench.worker import Host
    from envdoctor.model.cell import Certificate
    from envdoctor.workload.prepare import Prepared

LANES = 2
"""Importing and tracing keep one CPU busy, and float64 on small batches hardly two."""


class Proofs:
    """What came of proving: a certificate, or the cell of a row that ended in it."""

    def __init__(self, host: Host, oracle: PlannedRow) -> None:
        self._host = host
        self._oracle = oracle
        self._found: dict[tuple[str, str], Certificate | Cell] = {}

    def of(self, row: PlannedRow, workload: str) -> Certificate | Cell:
        """What was found for the row that proves this one, or for the twin's original."""
        return self._found[key(row.proof), workload]

    def prove(
        self,
        wanted: Sequence[tuple[PlannedRow, Prepared]],
        expected: Mapping[str, Expected],
    ) -> Iterator[Event]:
        """Prove rows on workloads, a worker for each row; yields what it is at."""
        work: dict[str, tuple[PlannedRow, list[Prepared]]] = {}
        for row, prepared in wanted:
            _, listed = work.setdefault(key(row.proof), (row.proof, []))
            if prepared not in listed:
                listed.append(prepared)
        if not work:
            return
        lanes = Lanes(LANES)
        tasks: list[Callable[[], None]] = [
            partial(self._tune, lanes, row) for row in _through_others(wanted)
        ]
        tasks += [self._task(lanes, row, listed, expected) for row, listed in work.values()]
        seconds = sum(prove_seconds(row, each) for row, listed in work.values() for each in listed)
        yield Began("proving that all rows do the same work", seconds / LANES, "proving")
        yield from lanes.run(tasks, len(tasks) - len(work) + sum(len(e) for _, e in work.values()))
        yield Ended()

    def _tune(self, lanes: Lanes, row: PlannedRow) -> None:
        """Let a compiler prepare what it prepares once for a machine, with a program of no size.

        TorchInductor tries out instruction sets and precompiles its headers, for longer than it
        compiles a small model; whoever comes first would pay for all.
        """
        lanes.say(f"preparing the compiler of {row.row.title}")
        setting = row.setting("fp32", len(self._host.cpus))
        task = probe_task(ADAMW)
        # How it ends is seen, and told, when the row itself is started.
        with (
            suppress(WorkerEnded),
            Worker(self._host, row.backend, row.interpreter, setting) as worker,
        ):
            worker.load()
            worker.build(task.job(setting), task.weights, task.data)
            worker.steps([0])

    def _task(
        self,
        lanes: Lanes,
        row: PlannedRow,
        workloads: Sequence[Prepared],
        expected: Mapping[str, Expected],
    ) -> Callable[[], None]:
        def task() -> None:
            if row.device != "cpu" and not self._has_device(row, workloads):
                return
            # Each lane has an oracle of its own, which starts only when a difference is explained.
            with (
                Oracle(self._host, self._oracle) as oracle,
                Suspect(self._host, row, row_precision(row), beside=LANES - 1) as suspect,
            ):
                for prepared in workloads:
                    if lanes.cancelled:
                        return
                    lanes.say(f"{row.row.title} on {prepared.name}")
                    self._certify(suspect, oracle, row, expected[prepared.name], prepared.name)

        return task

    def _certify(
        self, suspect: Suspect, oracle: Oracle, row: PlannedRow, expected: Expected, workload: str
    ) -> None:
        try:
            self._found[key(row), workload] = suspect.certify(oracle, expected)
        except WorkerEnded as ended:
            self._found[key(row), workload] = Cell(
                row=row.row, workload=workload, outcome=ended.outcome
            )

    def _has_device(self, row: PlannedRow, workloads: Sequence[Prepared]) -> bool:
        """Whether the row can start its device; no use in proving it otherwise."""
        try:
            check_device(self._host, row)
        except WorkerEnded as ended:
            for prepared in workloads:
                cell = Cell(row=row.row, workload=prepared.name, outcome=ended.outcome)
                self._found[key(row), prepared.name] = cell
            return False
        return True


def _through_others(wanted: Sequence[tuple[PlannedRow, Prepared]]) -> list[PlannedRow]:
    """The compiled rows that are proven through another one, and so compile nothing in a proof."""
    rows = {key(row): row for row, _ in wanted if row.mode.compiled and row.mode.exact}
    return [row for row in rows.values() if row.device == "cpu"]


def key(row: PlannedRow) -> str:
    """What tells rows apart."""
    return f"{row.backend.name} {row.mode.name}"


def row_precision(row: PlannedRow) -> str:
    """The precision of a row's proof.

    The reference's own float64 would be compared with itself, so its row is proven in float32.
    """
    if row.backend.name == ORACLE:
        return "fp32"
    return gate_precision(row.backend.precisions)


def expect_seconds(prepared: Prepared) -> float:
    """To compute the reference of a workload."""
    steps = estimate.steps_seconds(prepared, trajectory_steps(prepared) * 2, doubles=True)
    return estimate.REFERENCE_SECONDS + steps


def prove_seconds(row: PlannedRow, prepared: Prepared) -> float:
    """To prove a row on a workload."""
    return (
        estimate.start_seconds()
        + estimate.compile_seconds(row.mode, prepared)
        + estimate.steps_seconds(prepared, trajectory_steps(prepared) + 1, doubles=True)
    )
