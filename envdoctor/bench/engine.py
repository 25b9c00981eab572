"""Runs a plan: proves every row, then measures those that are proven; yields events."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor import __version__
from envdoctor.bench import estimate
from envdoctor.bench.events import Began, Ended, Event, Saved
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.measure import Measurement
from envdoctor.bench.parity.evidence import TRAJECTORY_STEPS
from envdoctor.bench.parity.gate import gate_precision, refuse
from envdoctor.bench.plan import ORACLE
from envdoctor.bench.prove import Expected, Oracle, Suspect, check_device
from envdoctor.bench.records import record_workload
from envdoctor.bench.worker import Host
from envdoctor.model.run import BrokenPlugin, Cell, Plan, Run
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from envdoctor.bench.plan import Choice, PlannedRow
    from envdoctor.model.facts import Facts
    from envdoctor.model.outcome import Outcome
    from envdoctor.model.run import Certificate
    from envdoctor.plugins import Broken
    from envdoctor.workload.prepare import Prepared

ROUNDS = 7
BLOCK_SECONDS = 0.2
"""At least 0.15 s, so that clock and synchronisation are a vanishing share."""
WORKER_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """Everything that the engine needs to know."""

    choice: Choice
    oracle: PlannedRow
    workloads: Sequence[Prepared]
    facts: Facts
    cpus: tuple[int, ...]
    seed: int
    broken: Sequence[Broken] = ()
    rounds: int = ROUNDS
    block_seconds: float = BLOCK_SECONDS
    worker_seconds: float = WORKER_SECONDS

    @property
    def rows(self) -> tuple[PlannedRow, ...]:
        """The rows that can run."""
        return self.choice.rows


def new_run(order: Order) -> Run:
    """The record at the start."""
    return Run(
        id=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        envdoctor_version=__version__,
        state="running",
        started_at=now(),
        facts=order.facts,
        plan=Plan(
            rows=tuple(row.row for row in order.rows),
            workloads=tuple(prepared.name for prepared in order.workloads),
            cpus=order.cpus,
            seed=order.seed,
            rounds=order.rounds,
            block_seconds=order.block_seconds,
        ),
        workloads=tuple(record_workload(prepared) for prepared in order.workloads),
        unavailable=order.choice.unavailable,
        broken_plugins=tuple(BrokenPlugin(plugin=b.plugin, reason=b.reason) for b in order.broken),
    )


def now() -> str:
    """The present moment as a record holds it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def close_run(run: Run, state: str) -> Run:
    """The record at the end: `finished` or `interrupted`."""
    ended = "finished" if state == "finished" else "interrupted"
    return structs.replace(run, state=ended, ended_at=now())


def planned_seconds(order: Order) -> float:
    """What all pieces of work are guessed to take."""
    total = 0.0
    for prepared in order.workloads:
        total += expect_seconds(prepared)
        total += sum(_measure_seconds(row, prepared, order) for row in order.rows)
        total += sum(prove_seconds(row, prepared) for row in {row.proof for row in order.rows})
    return total


def bench(order: Order, run: Run) -> Generator[Event, None, None]:
    """Do the whole run, from its first record on. Closing the generator ends every child.

    Raises:
        IncompleteError: nothing can be proven, because the reference itself fails.
    """
    if not order.rows:
        yield Saved(close_run(run, "finished"))
        return
    with RunFolder() as folder:
        host = Host(folder, order.cpus, order.worker_seconds)
        verdicts: dict[tuple[str, str], Certificate | Cell] = {}
        with Oracle(host, order.oracle) as oracle:
            expected: dict[str, Expected] = {}
            for prepared in order.workloads:
                yield Began(f"{prepared.name}: computing the reference", expect_seconds(prepared))
                expected[prepared.name] = oracle.expect(prepared)
                yield Ended()
            yield from _prove_all(order, host, oracle, expected, verdicts)
            oracle.close()
            run = yield from _measure_all(order, host, oracle, run, expected, verdicts)
    yield Saved(close_run(run, "finished"))


def _prove_all(
    order: Order,
    host: Host,
    oracle: Oracle,
    expected: dict[str, Expected],
    verdicts: dict[tuple[str, str], Certificate | Cell],
) -> Iterator[Event]:
    """Fill in a certificate for each row and workload, or the cell of a row that ended in it."""
    for row in dict.fromkeys(row.proof for row in order.rows):
        if row.device != "cpu" and (ended := _without_device(host, row)):
            for prepared in order.workloads:
                verdicts[_key(row), prepared.name] = Cell(
                    row=row.row, workload=prepared.name, outcome=ended
                )
            continue
        with Suspect(host, row, row_precision(row)) as suspect:
            for prepared in order.workloads:
                yield Began(
                    f"{prepared.name}: proving {row.row.title}", prove_seconds(row, prepared)
                )
                key = (_key(row), prepared.name)
                try:
                    verdicts[key] = suspect.certify(oracle, expected[prepared.name])
                except WorkerEnded as ended:
                    verdicts[key] = Cell(row=row.row, workload=prepared.name, outcome=ended.outcome)
                yield Ended()


def _measure_all(
    order: Order,
    host: Host,
    oracle: Oracle,
    run: Run,
    expected: dict[str, Expected],
    verdicts: dict[tuple[str, str], Certificate | Cell],
) -> Generator[Event, None, Run]:
    """Measure what is proven, and record the rest with its reason; returns the grown record."""
    for prepared in order.workloads:
        for row in order.rows:
            verdict = verdicts[_key(row.proof), prepared.name]
            if isinstance(verdict, Cell):
                cell = structs.replace(verdict, row=row.row)
            elif not verdict.same_work:
                cell = Cell(
                    row=row.row,
                    workload=prepared.name,
                    outcome=refuse(verdict),
                    certificate=verdict,
                )
            else:
                title = f"{prepared.name}: measuring {row.row.title}"
                yield Began(title, _measure_seconds(row, prepared, order))
                measurement = Measurement(host, row, prepared, verdict)
                reference = (oracle, expected[prepared.name])
                yield from measurement.run(reference, order.rounds, order.block_seconds)
                yield Ended()
                cell = measurement.cell
            run = structs.replace(run, cells=(*run.cells, cell))
            yield Saved(run)
    return run


def _without_device(host: Host, row: PlannedRow) -> Outcome | None:
    """Why a row cannot use its device; None if it can."""
    try:
        check_device(host, row)
    except WorkerEnded as ended:
        return ended.outcome
    return None


def row_precision(row: PlannedRow) -> str:
    """The precision of a row's proof.

    The reference's own float64 would be compared with itself, so its row is proven in float32.
    """
    if row.backend.name == ORACLE:
        return "fp32"
    return gate_precision(row.backend.precisions)


def _key(row: PlannedRow) -> str:
    return f"{row.backend.name} {row.mode.name}"


def expect_seconds(prepared: Prepared) -> float:
    """To compute the reference of a workload."""
    steps = estimate.steps_seconds(prepared, TRAJECTORY_STEPS * 2, doubles=True)
    return estimate.REFERENCE_SECONDS + steps


def prove_seconds(row: PlannedRow, prepared: Prepared) -> float:
    """To prove a row on a workload."""
    return (
        estimate.start_seconds()
        + estimate.compile_seconds(row.mode, prepared)
        + estimate.steps_seconds(prepared, TRAJECTORY_STEPS + 1, doubles=True)
    )


def _measure_seconds(row: PlannedRow, prepared: Prepared, order: Order) -> float:
    return (
        estimate.start_seconds()
        + estimate.compile_seconds(row.mode, prepared)
        + estimate.steps_seconds(prepared, prepared.steps)
        + (order.rounds + 1) * order.block_seconds
    )
