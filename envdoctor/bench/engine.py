"""Runs a plan: proves every row, then measures those that are proven; yields events."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor import __version__
from envdoctor.bench.caches import Caches, kept_folder
from envdoctor.bench.ceilings import Ceilings, refuse_the_impossible
from envdoctor.bench.crew import Crew
from envdoctor.bench.events import Began, Ended, Event, Piece, Saved
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.folds import CrossValidation, planned_folds
from envdoctor.bench.known import Known
from envdoctor.bench.ledger import UNFINISHED, Ledger
from envdoctor.bench.measuring import Measurement, planned_launches
from envdoctor.bench.pace import Pace
from envdoctor.bench.parity.gate import refuse
from envdoctor.bench.plan import choose_twin
from envdoctor.bench.presets import DEFAULT, Preset
from envdoctor.bench.prove import Oracle
from envdoctor.bench.proving import LANES, Proofs, expect_seconds, key, prove_seconds
from envdoctor.bench.records import record_workload
from envdoctor.bench.scene import Scene
from envdoctor.bench.store import Store
from envdoctor.bench.training import enter_kept
from envdoctor.bench.worker import Host
from envdoctor.model.cell import Cell
from envdoctor.model.run import BrokenPlugin, Plan, Run
from envdoctor.statistics.verdicts import MARGIN
from envdoctor.workload.folds import why_no_folds

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from envdoctor.bench.energy import Counter
    from envdoctor.bench.plan import Choice, PlannedRow
    from envdoctor.bench.prove import Expected
    from envdoctor.bench.scene import GpuWatch
    from envdoctor.model.cell import Row
    from envdoctor.model.facts import Facts
    from envdoctor.model.run import WorkloadRecord
    from envdoctor.plugins import Broken
    from envdoctor.workload.prepare import Prepared

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
    preset: Preset = DEFAULT
    margin: float = MARGIN
    time_limit_seconds: float | None = None
    worker_seconds: float = WORKER_SECONDS
    keep_in: Path | None = None
    """Where proofs and compiled programs are kept from run to run; None keeps nothing."""
    fresh: bool = False
    """Whether to prove, train and compile everything anew."""
    stopping: bool = True
    """Whether idle workers are stopped."""
    twin: bool = True
    """Whether one row runs twice."""
    folds: int | None = None
    """Of cross-validation; None does without."""
    counter: Counter | None = None
    """For energy; None measures none."""
    energy_note: str = ""
    """Why there is none, if it was asked for."""
    gpu: GpuWatch | None = None

    @property
    def rows(self) -> tuple[PlannedRow, ...]:
        """The rows that can run."""
        return self.choice.rows


def new_run(order: Order) -> Run:
    """The record at the start."""
    preset = order.preset
    twin = choose_twin(order.rows) if order.twin else None
    return Run(
        id=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        envdoctor_version=__version__,
        state="running",
        started_at=now(),
        facts=order.facts,
        plan=Plan(
            rows=tuple(row.row for row in order.rows),
            twin=None if twin is None else twin.row,
            workloads=tuple(prepared.name for prepared in order.workloads),
            cpus=order.cpus,
            seed=order.seed,
            preset=preset.name,
            least_launches=preset.least_launches,
            most_launches=preset.most_launches,
            least_rounds=preset.least_rounds,
            most_rounds=preset.most_rounds,
            half_width=preset.half_width,
            margin=order.margin,
            block_seconds=preset.block_seconds,
            time_limit_seconds=order.time_limit_seconds,
            stopping=order.stopping,
            folds=order.folds,
        ),
        workloads=tuple(_record(prepared, order.folds) for prepared in order.workloads),
        energy_note=order.energy_note,
        unavailable=order.choice.unavailable,
        broken_plugins=tuple(BrokenPlugin(plugin=b.plugin, reason=b.reason) for b in order.broken),
    )


def _record(prepared: Prepared, folds: int | None) -> WorkloadRecord:
    """A workload, with the reason why it has no folds if they were asked for."""
    record = record_workload(prepared)
    return (
        record if folds is None else structs.replace(record, no_folds=why_no_folds(prepared, folds))
    )


def now() -> str:
    """The present moment as a record holds it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def close_run(run: Run, state: str) -> Run:
    """The record at the end: `finished` or `interrupted`."""
    ended = "finished" if state == "finished" else "interrupted"
    return structs.replace(run, state=ended, ended_at=now())


def planned_pieces(order: Order) -> list[Piece]:
    """All pieces of work in their order, if nothing is known yet; some may be left out."""
    proofs = [(row, each) for row in _proof_rows(order) for each in order.workloads]
    proving = sum(prove_seconds(row, each) for row, each in proofs) / LANES
    rows = _seated(order)
    return [
        *(Piece("reference", expect_seconds(each), each.name) for each in order.workloads),
        Piece("proving", proving),
        *(
            piece
            for each in order.workloads
            for piece in planned_launches(rows, each, order.preset)
        ),
        *(planned_folds(order.rows, order.workloads, order.folds) if order.folds else ()),
    ]


def bench(order: Order, run: Run) -> Generator[Event, None, None]:
    """Do the whole run, from its first record on. Closing the generator ends every child.

    Raises:
        IncompleteError: nothing can be proven, because the reference itself fails.
    """
    if not order.rows:
        yield Saved(close_run(run, "finished"))
        return
    ledger = Ledger(run)
    with RunFolder() as folder:
        caches = _caches(order, folder)
        caches.link(folder.temporary())
        host = Host(folder, order.cpus, order.worker_seconds, caches, order.stopping)
        known = _known(order, run)
        with Oracle(host, order.oracle) as oracle:
            stage = _Stage(order, host, ledger, known, oracle, monotonic())
            yield from stage.prove()
            yield from stage.measure()
            refuse_the_impossible(ledger)
            yield from stage.cross_validate()
    yield Saved(close_run(ledger.run, "finished"))


class _Stage:
    """The parts of a run that share its workers' host and its record."""

    def __init__(
        self,
        order: Order,
        host: Host,
        ledger: Ledger,
        known: Known,
        oracle: Oracle,
        begun: float,
    ) -> None:
        self._order = order
        self._host = host
        self._ledger = ledger
        self._known = known
        self._oracle = oracle
        self._begun = begun
        self._expected: dict[str, Expected] = {}
        self._proofs = Proofs(host, order.oracle)

    def prove(self) -> Iterator[Event]:
        """Compute what is expected, and prove every row that is not known to be proven."""
        for prepared in self._order.workloads:
            if self._known.complete(prepared):
                continue
            title = f"{prepared.name}: computing the reference"
            yield Began(title, expect_seconds(prepared), "reference", prepared.name)
            self._expected[prepared.name] = self._oracle.expect(prepared)
            yield Ended()
        self._oracle.close()  # nothing idles beside a measurement
        yield from self._proofs.prove(self._known.missing(), self._expected)

    def measure(self) -> Iterator[Event]:
        """Measure one workload after the other."""
        with Crew() as crew:
            yield from self._measure_all(crew)

    def _measure_all(self, crew: Crew) -> Iterator[Event]:
        order, ceilings, pace = self._order, Ceilings(), Pace(self._order.cpus[0])
        precisions: dict[Row, float | None] = {}
        for index, prepared in enumerate(order.workloads):
            rows = self._admitted(prepared)
            yield Saved(self._ledger.run)
            if not rows:
                continue
            expected = self._expected.get(prepared.name)
            scene = Scene(
                host=self._host,
                ledger=self._ledger,
                oracle=self._oracle,
                prepared=prepared,
                record=self._ledger.run.workloads[index],
                preset=order.preset,
                first_losses=self._known.first_losses(prepared, expected),
                expected=expected,
                known=self._known,
                ceilings=ceilings,
                crew=crew,
                counter=order.counter,
                gpu=order.gpu,
                precisions=precisions,
            )
            deadline = self._deadline(len(order.workloads) - index)
            limited = order.time_limit_seconds is not None
            yield from Measurement(scene, rows, pace).run(deadline, limited=limited)
            self._ledger.change(ceiling=ceilings.merged())

    def cross_validate(self) -> Iterator[Event]:
        """Train every row on the folds, if that was asked for; all speeds are known by then."""
        order = self._order
        if order.folds is None:
            return
        limit = order.time_limit_seconds
        deadline = inf if limit is None else self._begun + limit
        validation = CrossValidation(self._host, self._ledger, order.folds, deadline)
        for prepared in order.workloads:
            yield from validation.run(order.rows, prepared)

    def _admitted(self, prepared: Prepared) -> list[PlannedRow]:
        """The rows that are proven, with the twin of one; the others enter with their reason."""
        admitted = []
        for row in _seated(self._order):
            original = structs.replace(row.row, twin=False)
            kept = self._known.of(original, prepared.name)
            if kept is not None:
                enter_kept(self._ledger, row.row, prepared.name, kept)
                admitted.append(row)
                continue
            verdict = self._proofs.of(row, prepared.name)
            if isinstance(verdict, Cell):
                outcome, certificate = verdict.outcome, None
            else:
                outcome = UNFINISHED if verdict.same_work else refuse(verdict)
                certificate = verdict
            if certificate is not None and certificate.same_work:
                admitted.append(row)
            elif row.twin:
                continue
            self._ledger.keep(row.row, prepared.name, outcome=outcome, certificate=certificate)
        return admitted if any(not row.twin for row in admitted) else []

    def _deadline(self, workloads_left: int) -> float:
        """Until when rounds of the next workload may begin."""
        here = monotonic()
        preset, limit = self._order.preset, self._order.time_limit_seconds
        if limit is None:
            return here + preset.workload_seconds
        share = max(0.0, self._begun + limit - here) / workloads_left
        return here + min(share, preset.workload_seconds)


def _seated(order: Order) -> list[PlannedRow]:
    """The rows of every launch: those of the table and the twin."""
    twin = choose_twin(order.rows) if order.twin else None
    return [*order.rows, *([twin] if twin else [])]


def _proof_rows(order: Order) -> list[PlannedRow]:
    return list({key(row.proof): row.proof for row in order.rows}.values())


def _caches(order: Order, folder: RunFolder) -> Caches:
    """The compilers' folder: that of all runs, or one of this run's own that starts empty."""
    if order.keep_in is None or order.fresh or order.preset.fresh:
        return Caches(folder.path / "compiled")
    return Caches(kept_folder(order.keep_in, order.rows))


def _known(order: Order, run: Run) -> Known:
    store = None
    if order.keep_in is not None:
        folder = order.keep_in / "proofs"
        store = Store(folder, order.oracle, order.facts, len(order.cpus))
    workloads = list(zip(order.workloads, run.workloads, strict=True))
    return Known(order.rows, workloads, store, fresh=order.fresh or order.preset.fresh)
