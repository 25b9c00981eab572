"""One launch on one workload: fresh workers for all rows, warmed up, settled, and put to sleep."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import psutil
from msgspec import structs

from envdoctor.bench import checks, training
from envdoctor.bench.energy_pass import measure_energies
from envdoctor.bench.events import Began, Doing, Ended
from envdoctor.bench.lanes import Lanes
from envdoctor.bench.seat import WARMUP_STEPS, Seat
from envdoctor.model.outcome import OK
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envdoctor.bench.ceilings import Ceilings
    from envdoctor.bench.crew import Crew
    from envdoctor.bench.energy import Counter
    from envdoctor.bench.events import Event
    from envdoctor.bench.known import Known
    from envdoctor.bench.ledger import Ledger
    from envdoctor.bench.plan import PlannedRow
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


LATER_WARMUP_STEPS = 10
"""Where set-up is not what is timed: as many as are held to the reference's losses."""
LANES = 2
LANES_SHARE = 0.5
"""Of starting, for importing, building and compiling; the rest is done one by one."""
SPARE_SHARE = 0.1
"""Of all memory: with less than this left, workers no longer live side by side."""


@dataclass(frozen=True)
class Scene:
    """Everything that the launches of a workload share."""

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


class Launch:
    """The seats of a launch. A context manager; leaving it ends all workers."""

    def __init__(self, scene: Scene, number: int) -> None:
        self._scene = scene
        self._number = number
        # Compilers and libraries for GPUs choose by trial, which no other row may disturb.
        self._turn = Lock()
        self.seats: list[Seat] = []

    def __enter__(self) -> Launch:
        return self

    def __exit__(self, *_: object) -> None:
        for seat in self.seats:
            seat.kill()

    def start(self, rows: Sequence[PlannedRow], seconds: float) -> Iterator[Event]:
        """Start all rows; those that end in it are left out, with their reason in the ledger.

        Where set-up counts they start one by one, in the others two at a time.
        """
        workload = self._scene.prepared.name
        yield Began(f"{workload}: launch {self._number + 1}", seconds, "starting", workload)
        if self._alone:
            for index, row in enumerate(rows):
                yield Doing(f"starting {_title(row)}", index / len(rows))
                seat = self._seat(row)
                self.seats.append(seat)
                if self._guard(seat, seat.open) and self._guard(seat, partial(self._prepare, seat)):
                    yield from self._make_ready(seat, index / len(rows))
                self._mind_memory()
        else:
            yield from self._prepare_together(rows)
            self._mind_memory()
            for index, seat in enumerate(list(self.seats)):
                if self._interleaved or self._prepare_anew(seat):
                    yield from self._make_ready(seat, LANES_SHARE + index / len(rows) / 2)
        yield Ended()

    def drop(self, seat: Seat, ended: WorkerEnded) -> None:
        """Take a seat out of the launch, for this reason."""
        seat.kill()
        self.seats.remove(seat)
        seat.keep(outcome=ended.outcome)

    def finish(self) -> Iterator[Event]:
        """After the rounds of the first launch: what replaces the trainer; then leave all seats."""
        if self._number == 0 and self._scene.counter is not None:
            yield from measure_energies(self, self._scene.counter, self._scene.ledger)
        for seat in list(self.seats):
            if self._number == 0 and not seat.row.twin:
                yield Doing(f"checking {_title(seat.planned)}", 1.0)
                self._guard(seat, partial(self._check_last, seat))
        for seat in self.seats:
            seat.leave()

    @property
    def _timed(self) -> bool:
        """Whether set-up is timed: in the first launch, unless the preset has no time for it."""
        return self._number == 0 and self._scene.preset.timed_starts

    @property
    def _alone(self) -> bool:
        """Whether rows start one by one: to time their set-up, or because memory is short."""
        return self._timed or not self._interleaved

    def _make_ready(self, seat: Seat, share: float) -> Iterator[Doing]:
        """Warm up, train in the first launch, settle and put to sleep: nothing else is awake."""
        title = _title(seat.planned)
        known = self._scene.known.of(seat.row, self._scene.prepared.name)
        first = self._number == 0 and not seat.row.twin
        try:
            seat.wake()
            steps = WARMUP_STEPS if self._timed else LATER_WARMUP_STEPS
            yield Doing(f"warming up {title}", share)
            seat.warm_up(self._scene.first_losses, steps)
            if first and known is None:
                if seat.row.reduced and self._scene.expected is not None:
                    training.hold_to_precision(seat, self._scene.oracle, self._scene.expected)
                for part in training.train(seat):
                    yield Doing(f"training {title}, {part:.0%} of the plan", share)
                self._judge_training(seat)
            elif first:
                training.measure_memory(seat)
            self._settle(seat)
            if first:
                self._probe(seat)
            if not self._interleaved:
                seat.live_alone()
            seat.sleep()
        except WorkerEnded as ended:
            self.drop(seat, ended)

    @property
    def _interleaved(self) -> bool:
        return self._scene.ledger.run.plan.interleaved

    def _mind_memory(self) -> None:
        """If memory runs short, end the workers that wait.

        If that is not enough, let one worker live at a time, in this launch and all others.
        """
        if not self._interleaved or not memory_is_short(self.seats):
            return
        waiting = len(self._scene.crew)
        self._scene.crew.dismiss()
        if waiting and not memory_is_short(self.seats):
            return
        plan = structs.replace(self._scene.ledger.run.plan, interleaved=False)
        self._scene.ledger.change(plan=plan)
        for seat in self.seats:
            seat.live_alone()

    def _judge_training(self, seat: Seat) -> None:
        """Accuracy, and the timed program held to float32; kept for the next run."""
        scene = self._scene
        # Float64 was asked of another mode, or of the CPU: neither is what is timed.
        elsewhere = seat.planned.mode.exact or seat.row.device != "cpu"
        if elsewhere and not seat.row.reduced and scene.expected is not None:
            training.hold_to_float32(seat, scene.oracle, scene.expected)
        training.evaluate(seat)
        if kept := training.what_to_keep(seat, scene.first_losses):
            scene.known.keep(seat.planned, scene.record, kept)

    def _prepare_together(self, rows: Sequence[PlannedRow]) -> Iterator[Event]:
        lanes = Lanes(LANES)
        tasks: list[tuple[bool, Callable[[], None]]] = []
        for seat in [self._seat(row) for row in rows]:
            self.seats.append(seat)
            # Opened here, because a child dies with the thread that started it.
            if self._guard(seat, seat.open):
                # What is worth keeping takes longest to compile; last, all would wait for it.
                task = partial(self._prepare_in_lane, lanes, seat)
                tasks.append((not seat.planned.mode.keeps, task))
        for doing in lanes.run([task for _, task in sorted(tasks, key=itemgetter(0))], len(tasks)):
            yield Doing(doing.what, LANES_SHARE * doing.done)

    def _prepare_in_lane(self, lanes: Lanes, seat: Seat) -> None:
        lanes.say(f"starting {_title(seat.planned)}")
        if self._guard(seat, partial(self._prepare, seat)):
            seat.sleep()

    def _prepare(self, seat: Seat) -> None:
        caches = self._scene.host.caches
        state = caches.state(seat.planned, self._scene.record.workload_sha256)
        turn = nullcontext() if seat.row.device == "cpu" else self._turn
        seat.prepare(caches=state, alone=self._alone, turn=turn)
        caches.compiled(seat.planned, self._scene.record.workload_sha256)

    def _prepare_anew(self, seat: Seat) -> bool:
        """Start a seat that had to end for want of memory; whether it could."""
        return self._guard(seat, seat.open) and self._guard(seat, partial(self._prepare, seat))

    def _settle(self, seat: Seat) -> None:
        preset = self._scene.preset
        seat.settle(preset.settle_seconds, preset.block_seconds)
        if seat.cell.outcome.status != "ok":
            seat.keep(outcome=OK)

    def _probe(self, seat: Seat) -> None:
        found, steps_seconds = checks.probe(seat)
        seat.keep(plausibility=found)
        if refused := checks.suspicion(found, steps_seconds):
            raise WorkerEnded(refused)

    def _check_last(self, seat: Seat) -> None:
        """The machine's ceiling by this backend, and the precision of its products, once a run."""
        seat.let_go()
        known = self._scene.precisions
        if seat.row not in known:
            seat.wake()
            self._scene.ceilings.measure(seat)
            known[seat.row] = checks.measure_precision(seat)
            seat.sleep()  # its threads would spin beside what the next row is measured by
        if refused := checks.judge_precision(seat, known[seat.row]):
            raise WorkerEnded(refused)

    def _guard(self, seat: Seat, action: Callable[[], None]) -> bool:
        """Do something with a seat; if its worker ends in it, the seat is dropped."""
        try:
            action()
        except WorkerEnded as ended:
            self.drop(seat, ended)
            return False
        return True

    def _seat(self, row: PlannedRow) -> Seat:
        scene = self._scene
        goes_on = self._number >= scene.preset.launches_anew
        # Beside those of another launch: the host's memory is watched, a GPU's is not.
        goes_on = goes_on and (self._number == 0 or row.row.device == "cpu")
        crew = scene.crew if goes_on else None
        return Seat(scene.host, row, scene.prepared, scene.ledger, self._number, crew)


def memory_is_short(seats: Sequence[Seat]) -> bool:
    """Whether another worker like the largest, or the system itself, would soon find no memory."""
    memory = psutil.virtual_memory()
    largest = max((seat.resident_bytes() for seat in seats), default=0)
    return memory.available < max(SPARE_SHARE * memory.total, largest)


def _title(row: PlannedRow) -> str:
    return row.row.title + ("'" if row.twin else "")
