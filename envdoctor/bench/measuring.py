"""All launches of one workload, until the answer is as sharp as wished or the time is used up."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from envdoctor.bench import estimate
from envdoctor.bench.contamination import oversubscribed
from envdoctor.bench.cpu_use import verdict_on_cpu_use
from envdoctor.bench.events import Began, Ended, Piece, Saved
from envdoctor.bench.launching import Launch
from envdoctor.bench.rounds import Budget, Rounds
from envdoctor.model.outcome import Outcome
from envdoctor.statistics.pairing import kept_blocks
from envdoctor.statistics.ranking import widest_half_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.bench.events import Event
    from envdoctor.bench.pace import Pace
    from envdoctor.bench.plan import PlannedRow
    from envdoctor.bench.presets import Preset
    from envdoctor.bench.scene import Scene
    from envdoctor.workload.prepare import Prepared

LATER_START_SHARE = 0.5
"""Of the first launch's starts: two at a time, with warm caches, and nothing is trained."""
ROUNDS_SHARE = 0.6
"""Of the time of a workload, about."""
MOST_START_SHARE = 0.5
"""Of a launch: one with more of starting than of rounds is not worth it."""


class Measurement:
    """The launches of a workload."""

    def __init__(self, scene: Scene, rows: Sequence[PlannedRow], pace: Pace) -> None:
        self._scene = scene
        self._rows = list(rows)
        self._pace = pace
        self._starts: list[float] = []
        """Seconds that starting all rows took, launch by launch."""

    def run(self, deadline: float, *, limited: bool) -> Iterator[Event]:
        """Launch after launch.

        Args:
            deadline: on the monotonic clock; after the least rounds none begins beyond it.
            limited: whether the user set it, so that it cuts even the least that the preset wants.
        """
        while True:
            yield from self._launch(deadline, limited=limited)
            in_time = monotonic() + self._next_start_seconds() / MOST_START_SHARE < deadline
            if not self._another(len(self._starts), in_time, limited=limited):
                break
        self._judge_cpu_use()
        yield Saved(self._scene.ledger.run)

    def _launch(self, deadline: float, *, limited: bool) -> Iterator[Event]:
        scene, number = self._scene, len(self._starts)
        seconds = start_seconds(self._rows, scene.prepared, number, trained=scene.expected is None)
        begun = monotonic()
        with Launch(scene, number) as launch:
            yield from launch.start(self._rows, seconds)
            yield Saved(scene.ledger.run)
            started = monotonic()
            self._starts.append(started - begun)
            share = self._share(max(0.0, deadline - started), limited=limited)
            title = f"{scene.prepared.name}: launch {number + 1}, timing in turn"
            least = least_seconds(self._rows, scene.prepared, scene.preset)
            seconds = share if limited else max(share, least)
            yield Began(title, seconds, "timing", scene.prepared.name)
            rounds = Rounds(scene, launch, number, self._pace)
            yield from rounds.run(Budget(started + share, hard=limited, seconds=share))
            yield from launch.finish()
            yield Ended()
        yield Saved(scene.ledger.run)

    def _share(self, left: float, *, limited: bool) -> float:
        """Seconds for the rounds of this launch, so that all launches have about as many.

        Of the time that is left the starts of the launches to come are taken off first; otherwise
        this one would take their rounds.
        """
        start = self._next_start_seconds()
        more = self._launches_to_come(left, start, limited=limited)
        return max(0.0, left - more * start) / (more + 1)

    def _launches_to_come(self, left: float, start: float, *, limited: bool) -> int:
        """How many launches more share the time: those that are certain, and what is worth it."""
        preset, launches = self._scene.preset, len(self._starts)
        most = preset.most_launches - launches
        certain = 0 if limited else preset.least_launches - launches
        # So many that none of them has more of starting than of rounds.
        worth = int((left / start - 1) / 2) if start > 0 else most
        return max(0, min(most, max(certain, worth)))

    def _next_start_seconds(self) -> float:
        """What it is guessed to take to start one more launch.

        The latest had perhaps no process to start, since its workers went on from another workload.
        """
        crew, number = self._scene.crew, len(self._starts)
        if number > 1 and all(crew.waits(number, row.row) for row in self._rows):
            return self._starts[-1]
        later = LATER_START_SHARE * self._starts[0]
        return later if number == 1 else max(self._starts[-1], later)

    def _another(self, launches: int, in_time: bool, *, limited: bool) -> bool:
        """Whether to launch once more: on the width of the intervals, never on what they say."""
        preset = self._scene.preset
        name = self._scene.prepared.name
        ledger = self._scene.ledger
        self._rows = [
            row for row in self._rows if ledger.cell(row.row, name).outcome.status == "ok"
        ]
        if not any(not row.twin for row in self._rows) or launches >= preset.most_launches:
            return False
        if launches < preset.least_launches:
            return in_time or not limited
        width = widest_half_width(ledger.run, name)
        precise = width is not None and width <= preset.half_width
        return in_time and not precise

    def _judge_cpu_use(self) -> None:
        """Refuse a row that used more than the budget: the race was not fair."""
        scene = self._scene
        for row in self._rows:
            cell = scene.ledger.cell(row.row, scene.prepared.name)
            found = verdict_on_cpu_use(kept_blocks(scene.ledger.run, cell), len(scene.host.cpus))
            if oversubscribed(cell.blocks, len(scene.host.cpus)):
                scene.ledger.keep(row.row, scene.prepared.name, oversubscribed=True)
            if found.refused and row.device == "cpu":
                outcome = Outcome(status="different", reason=found.text)
                scene.ledger.keep(row.row, scene.prepared.name, outcome=outcome)


def start_seconds(
    rows: Sequence[PlannedRow], prepared: Prepared, launch: int, *, trained: bool
) -> float:
    """What it is guessed to take to start all rows."""
    total = 0.0
    for row in rows:
        total += estimate.start_seconds() + estimate.compile_seconds(row.mode, prepared)
        if launch == 0 and not trained and not row.twin:
            total += estimate.steps_seconds(prepared, prepared.steps)
    return total * (LATER_START_SHARE if launch else 1.0)


def least_seconds(rows: Sequence[PlannedRow], prepared: Prepared, preset: Preset) -> float:
    """What it is guessed to take to do the least rounds."""
    block = max(preset.block_seconds, estimate.steps_seconds(prepared, 2))
    return len(rows) * preset.least_rounds * block


def planned_launches(
    rows: Sequence[PlannedRow], prepared: Prepared, preset: Preset
) -> Iterator[Piece]:
    """The least launches of a workload, if nothing is known of it yet."""
    for number in range(preset.least_launches):
        starting = start_seconds(rows, prepared, number, trained=False)
        yield Piece("starting", starting, prepared.name, preset.workload_seconds)
        # Rounds take what the preset leaves, unless their intervals are narrow before.
        left = ROUNDS_SHARE * preset.workload_seconds / preset.least_launches
        timing = max(left, least_seconds(rows, prepared, preset))
        yield Piece("timing", timing, prepared.name, preset.workload_seconds)
