"""The rounds of a launch: every row one block, in random order, until the intervals are narrow."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.bench.bystanders import Bystanders
from envdoctor.bench.contamination import (
    judge_block,
    judge_round,
    repeats_left,
    slow_canary,
    somebody_beside,
)
from envdoctor.bench.events import Doing, Saved
from envdoctor.model.cell import Noise
from envdoctor.model.run import Round
from envdoctor.statistics.disturbance import strikes_unequally
from envdoctor.statistics.paired import least_rounds
from envdoctor.statistics.ranking import widest_half_width
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.bench.events import Event
    from envdoctor.bench.launching import Launch
    from envdoctor.bench.pace import Pace
    from envdoctor.bench.scene import Scene
    from envdoctor.bench.seat import Seat
    from envdoctor.model.cell import Block, Cause, Row


@dataclass(frozen=True)
class Budget:
    """Until when rounds may begin, on the monotonic clock."""

    deadline: float
    hard: bool = False
    """Whether it cuts even the least rounds: a limit of the user does, a preset's own does not."""
    seconds: float = inf
    """How long it is until then, from the first round on; endless if only rounds are counted."""

    @property
    def used_up(self) -> bool:
        """Whether it is time to stop."""
        return monotonic() >= self.deadline

    @property
    def spent_share(self) -> float:
        """How much of it is used up, 0 to 1."""
        if self.seconds == inf:
            return 0.0
        left = max(0.0, self.deadline - monotonic())
        return max(0.0, 1.0 - left / self.seconds) if left else 1.0


class Rounds:
    """The rounds of one launch."""

    def __init__(self, scene: Scene, launch: Launch, number: int, pace: Pace) -> None:
        self._scene = scene
        self._launch = launch
        self._number = number
        self._pace = pace
        self._bystanders = Bystanders(scene.host.cpus)
        # Seeded by text, which is the same in every Python, unlike the hash of a tuple.
        run = scene.ledger.run
        self._random = random.Random(f"{run.plan.seed} {scene.prepared.name} {number}")  # noqa: S311

    def run(self, budget: Budget) -> Iterator[Event]:
        """Take rounds; each is saved when it is over. A row that fails is left out of the rest."""
        preset = self._scene.preset
        least = self._least_rounds()
        done = attempt = 0
        while self._has_rows() and done < preset.most_rounds:
            if budget.used_up and done >= (1 if budget.hard else least):
                break
            if done >= least and _is_time_to_look(done) and self._precise():
                break
            yield Doing(self._title(done, attempt, least), self._share(done, least, budget))
            turn, blocks = self._take(done, attempt)
            again = strikes_unequally(turn) and not budget.used_up
            again = again and repeats_left([*self._turns(), turn], preset.most_rounds)
            self._scene.ledger.keep_round(turn, blocks)
            yield Saved(self._scene.ledger.run)
            done, attempt = (done, attempt + 1) if again else (done + 1, 0)

    def _take(self, number: int, attempt: int) -> tuple[Round, dict[Row, Block]]:
        """One turn of all seats, and the canary after it."""
        taken: dict[Seat, Block] = {}
        order = list(self._launch.seats)
        self._random.shuffle(order)
        self._bystanders.begin()
        for position, seat in enumerate(order):
            block = self._block(seat, number, attempt, position)
            if block is not None:
                taken[seat] = block
        others = self._bystanders.end([seat.awake_cpu_ns for seat in order])
        threads = len(self._scene.host.cpus)
        beside = somebody_beside(others, threads)
        blocks = {seat.row: self._judge(seat, each, beside) for seat, each in taken.items()}
        causes: dict[Cause, None] = {}
        for found in (*(block.causes for block in blocks.values()), judge_round(others, threads)):
            causes.update(dict.fromkeys(found))
        canary_ns = self._pace.beat()
        earlier = [turn.canary_ns for turn in self._scene.ledger.run.rounds if turn.canary_ns]
        if slow_canary(canary_ns, earlier):
            causes["canary"] = None
        turn = Round(
            workload=self._scene.prepared.name,
            launch=self._number,
            round=number,
            attempt=attempt,
            kept=True,
            causes=tuple(causes),
            canary_ns=canary_ns,
            wall_ns=others.wall_ns,
            foreign_ns=others.foreign_ns,
            steal_ns=others.steal_ns,
        )
        return turn, blocks

    def _block(self, seat: Seat, number: int, attempt: int, position: int) -> Block | None:
        try:
            block = seat.take_block(number, attempt, position)
        except WorkerEnded as ended:
            self._launch.drop(seat, ended)
            return None
        return self._watch_gpu(block)

    def _judge(self, seat: Seat, block: Block, beside: bool) -> Block:
        """The block with what disturbed it."""
        earlier = [each for each in seat.cell.blocks if each.launch == self._number]
        threads = len(self._scene.host.cpus)
        return structs.replace(block, causes=judge_block(block, earlier, threads, beside=beside))

    def _watch_gpu(self, block: Block) -> Block:
        """The block with what the GPU says of itself right after it."""
        watch = self._scene.gpu
        if watch is None:
            return block
        noise = structs.replace(block.noise or Noise(), gpu_throttled=watch.throttled())
        return structs.replace(block, noise=noise)

    def _has_rows(self) -> bool:
        """Whether anything is left but the twin."""
        return any(not seat.row.twin for seat in self._launch.seats)

    def _turns(self) -> Sequence[Round]:
        name = self._scene.prepared.name
        return [
            turn
            for turn in self._scene.ledger.run.rounds
            if turn.workload == name and turn.launch == self._number
        ]

    def _least_rounds(self) -> int:
        """Of the preset; and, of all launches together, as many as give any interval."""
        preset = self._scene.preset
        rows = sum(1 for seat in self._launch.seats if not seat.row.twin)
        needed = least_rounds(max(1, rows - 1))
        return max(preset.least_rounds, -(-needed // preset.least_launches))

    def _precise(self) -> bool:
        """Whether every ratio's interval is as narrow as wished."""
        width = widest_half_width(self._scene.ledger.run, self._scene.prepared.name)
        return width is not None and width <= self._scene.preset.half_width

    def _title(self, done: int, attempt: int, least: int) -> str:
        """The round and how many there are; `8 to 10` where their width decides."""
        most = self._scene.preset.most_rounds
        of = f"{min(least, most)} to {most}" if least < most else f"{most}"
        return f"round {done + 1} of {of}" + ", again" * (attempt > 0)

    def _share(self, done: int, least: int, budget: Budget) -> float:
        """How much is done: of the time, or of the most rounds if they come first."""
        share = max(budget.spent_share, done / self._scene.preset.most_rounds)
        return min(1.0, share, 1.0 if budget.hard or done >= least else done / least)


def _is_time_to_look(done: int) -> bool:
    """Whether to look at the widths: those of hundreds of rounds take as long as a block does."""
    return done % max(1, done // 10) == 0
