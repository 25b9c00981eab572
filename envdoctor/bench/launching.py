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

LANES = 2
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
        if self._alone:
            for index, row in enumerate(rows):
                yield Doing(f"starting {row.title}", index / len(rows))
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
        lanes.say(f"starting {seat.planned.title}")
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
