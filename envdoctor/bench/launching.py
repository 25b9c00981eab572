"""One launch on one workload: fresh workers for all rows, warmed up, settled, and put to sleep."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING

import psutil
from msgspec import structs

from envdoctor.bench import readying
from envdoctor.bench.energy_pass import measure_energies
from envdoctor.bench.events import Began, Doing, Ended
from envdoctor.bench.lanes import Lanes
from envdoctor.bench.seat import Seat
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envdoctor.bench.events import Event
    from envdoctor.bench.plan import PlannedRow
    from envdoctor.bench.scene import Scene
    from envdoctor.model.cell import Row

LANES = 2
LOADED_SHARE = 0.1
"""Of starting, for imports that go two at a time where the rest goes one by one."""
LANES_SHARE = 0.5
"""Of starting, for importing, building and compiling; the rest is done one by one."""
SPARE_SHARE = 0.1
"""Of all memory: with less than this left, workers no longer live side by side."""


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
        yield from self._start_one_by_one(rows) if self._alone else self._start_together(rows)
        yield Ended()

    def _start_one_by_one(self, rows: Sequence[PlannedRow]) -> Iterator[Event]:
        """Build and compile with nothing beside; imports that were timed before go together."""
        timed = self._timed_imports() if self._interleaved else set()
        together = [row for row in rows if row.row in timed]
        before = LOADED_SHARE * len(together) / len(rows)
        yield from self._open_together(together, self._load, before)
        opened = {seat.row: seat for seat in self.seats}
        for index, row in enumerate(rows):
            share = before + (1 - before) * index / len(rows)
            yield Doing(f"starting {row.title}", share)
            seat = opened.get(row.row) if row.row in timed else self._take_seat(row)
            if seat is not None and self._guard(seat, partial(self._prepare_awake, seat)):
                yield from self._make_ready(seat, share)
            self._mind_memory()

    def _start_together(self, rows: Sequence[PlannedRow]) -> Iterator[Event]:
        """Import, build and compile two at a time, and do the rest one by one."""
        yield from self._open_together(rows, self._prepare, LANES_SHARE)
        self._mind_memory()
        for index, seat in enumerate(list(self.seats)):
            share = LANES_SHARE + (1 - LANES_SHARE) * index / len(rows)
            if self._interleaved or self._prepare_anew(seat):
                yield from self._make_ready(seat, share)

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
                yield Doing(f"checking {seat.planned.title}", 1.0)
                self._guard(seat, partial(readying.check_last, self._scene, seat))
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
        """Let a row become ready for its rounds, and put it to sleep."""
        try:
            seat.wake()
            yield from readying.make_ready(self._scene, seat, share, timed=self._timed)
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

    def _timed_imports(self) -> set[Row]:
        """The rows that have been imported alone, on another workload of this run."""
        cells = self._scene.ledger.run.cells
        first = [(cell.row, cell.launches[0]) for cell in cells if cell.launches]
        return {row for row, launch in first if launch.fresh and launch.imported_alone}

    def _open_together(
        self, rows: Sequence[PlannedRow], action: Callable[[Seat], None], share: float
    ) -> Iterator[Event]:
        """Open all seats, and do the same with each in one of the lanes: this share of starting."""
        lanes = Lanes(LANES)
        tasks: list[tuple[bool, Callable[[], None]]] = []
        for seat in [self._take_seat(row) for row in rows]:
            # Opened here, because a child dies with the thread that started it.
            if self._guard(seat, seat.open):
                # What is worth keeping takes longest to compile; last, all would wait for it.
                task = partial(self._in_lane, lanes, seat, action)
                tasks.append((not seat.planned.mode.keeps, task))
        for doing in lanes.run([task for _, task in sorted(tasks, key=itemgetter(0))], len(tasks)):
            yield Doing(doing.what, share * doing.done)

    def _in_lane(self, lanes: Lanes, seat: Seat, action: Callable[[Seat], None]) -> None:
        lanes.say(f"starting {seat.planned.title}")
        if self._guard(seat, partial(action, seat)):
            seat.sleep()

    def _load(self, seat: Seat) -> None:
        seat.load(alone=False)

    def _prepare(self, seat: Seat) -> None:
        caches = self._scene.host.caches
        state = caches.state(seat.planned, self._scene.record.workload_sha256)
        turn = nullcontext() if seat.row.device == "cpu" else self._turn
        seat.prepare(caches=state, alone=self._alone, turn=turn)
        caches.compiled(seat.planned, self._scene.record.workload_sha256)

    def _prepare_anew(self, seat: Seat) -> bool:
        """Start a seat that had to end for want of memory; whether it could."""
        return self._guard(seat, seat.open) and self._guard(seat, partial(self._prepare, seat))

    def _prepare_awake(self, seat: Seat) -> None:
        """Prepare a seat that may have been opened with others, and ended since for memory."""
        if seat.is_open:
            seat.wake()
        else:
            seat.open()
        self._prepare(seat)

    def _guard(self, seat: Seat, action: Callable[[], None]) -> bool:
        """Do something with a seat; if its worker ends in it, the seat is dropped."""
        try:
            action()
        except WorkerEnded as ended:
            self.drop(seat, ended)
            return False
        return True

    def _take_seat(self, row: PlannedRow) -> Seat:
        """A seat of this launch, not yet open."""
        scene = self._scene
        goes_on = self._number >= scene.preset.launches_anew
        # Beside those of another launch: the host's memory is watched, a GPU's is not.
        goes_on = goes_on and (self._number == 0 or row.row.device == "cpu")
        crew = scene.crew if goes_on else None
        seat = Seat(scene.host, row, scene.prepared, scene.ledger, self._number, crew)
        self.seats.append(seat)
        return seat


def memory_is_short(seats: Sequence[Seat]) -> bool:
    """Whether another worker like the largest, or the system itself, would soon find no memory."""
    memory = psutil.virtual_memory()
    largest = max((seat.resident_bytes() for seat in seats), default=0)
    return memory.available < max(SPARE_SHARE * memory.total, largest)
