"""What disturbed the rounds of a workload, counted from the record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.statistics.pairing import kept_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envdoctor.model.cell import Block, Cause
    from envdoctor.model.run import Round, Run


ALIKE: frozenset[Cause] = frozenset({"canary"})
"""Causes that strike all rows of a round alike: a machine that has become slower. Paired ratios of
such rounds spread as those of the others do (median deviation 6.2 and 5.8 % in 1,830 and 960
pairs)."""
OTHERS_SHARE = 0.1
"""Of the budget's time in the blocks of a round. In the middle round of 30 tables of a machine with
two CPUs it was -0.01 to 0.03, and 0.41 and 0.49 beside another busy process."""


@dataclass(frozen=True)
class Disturbance:
    """Of all rounds, the repeated ones included; None where no block could count it."""

    rounds: int
    disturbed_rounds: int
    causes: tuple[Cause, ...]
    """Those that were found, the most frequent first."""
    throttled_gpu_rounds: int
    worst_delay_share: float | None
    """Time that threads waited for a CPU, of the budget's: 19 of 20 blocks have at most this."""
    foreign_cpus: float | None
    """CPUs of the budget that other processes used, on average."""
    stolen_cpus: float | None
    """CPUs of the budget that the hypervisor gave to others, on average."""
    pressure_share: float | None
    """Share of time in which some task of the machine waited for a CPU."""


def disturbance(run: Run, workload: str) -> Disturbance:
    """The disturbance of a workload, over all rows and every attempt at a round."""
    rounds = [turn for turn in run.rounds if turn.workload == workload]
    cells = [cell for cell in run.cells if cell.workload == workload]
    blocks = [block for cell in cells for block in cell.blocks]
    causes = Counter(cause for turn in rounds for cause in turn.causes)
    noises = [(block.noise, block.watched_ns) for block in blocks]
    if any(turn.wall_ns is not None for turn in rounds):
        foreign = _rate((turn.foreign_ns, turn.wall_ns) for turn in rounds)
        stolen = _rate((turn.steal_ns, turn.wall_ns) for turn in rounds)
    else:  # of a run that watched no rounds, but blocks
        foreign = _rate((_foreign_ns(block), block.watched_ns) for block in blocks)
        stolen = _rate((noise.steal_ns if noise else None, wall_ns) for noise, wall_ns in noises)
    return Disturbance(
        rounds=len(rounds),
        disturbed_rounds=sum(bool(turn.causes) or not turn.kept for turn in rounds),
        causes=tuple(cause for cause, _ in causes.most_common()),
        throttled_gpu_rounds=causes["GPU throttling"],
        worst_delay_share=_worst_delay_share(blocks, run.plan.threads),
        foreign_cpus=None if foreign is None else max(0.0, foreign),
        stolen_cpus=stolen,
        pressure_share=_rate(
            (noise.pressure_ns if noise else None, wall_ns) for noise, wall_ns in noises
        ),
    )


def strikes_unequally(turn: Round) -> bool:
    """Whether something disturbed a round that may have struck one row and not the others."""
    return not ALIKE.issuperset(turn.causes)


def is_loaded(run: Run, workload: str) -> bool:
    """Whether in most rounds that count something else was on the CPUs, or held most rows up.

    That costs a row the more, the more its threads wait for each other, so that it may change an
    order. One disturbed block is not enough: of many rows, some is disturbed in every round.
    """
    blocks: dict[tuple[int, int], list[Block]] = {}
    for cell in run.cells:
        if cell.workload == workload:
            for block in kept_blocks(run, cell):
                blocks.setdefault((block.launch, block.round), []).append(block)
    loaded = [
        _was_loaded(turn, found, run.plan.threads)
        for turn in run.rounds
        if turn.workload == workload and turn.kept
        if (found := blocks.get((turn.launch, turn.round)))
    ]
    return 2 * sum(loaded) > len(loaded)


def _was_loaded(turn: Round, blocks: Sequence[Block], threads: int) -> bool:
    """Whether others took a large share of a round, or most of its blocks were disturbed."""
    if 2 * sum(bool(block.causes) for block in blocks) > len(blocks):
        return True
    if turn.wall_ns is not None:
        taken_ns, wall_ns = (turn.foreign_ns or 0) + (turn.steal_ns or 0), turn.wall_ns
    else:  # of a run that watched no rounds, but blocks
        wall_ns = sum(block.watched_ns for block in blocks)
        taken_ns = sum(
            (_foreign_ns(block) or 0) + (block.noise.steal_ns or 0)
            for block in blocks
            if block.noise is not None
        )
    return taken_ns > OTHERS_SHARE * wall_ns * threads


def _foreign_ns(block: Block) -> int | None:
    """CPU time of others on the CPUs of the budget; below zero where ticks are rounded that way.

    Not clipped: of many short blocks only the sum tells, and their rounding cancels in it.
    """
    if block.noise is None or block.noise.busy_ns is None:
        return None
    return block.noise.busy_ns - block.watched_cpu_ns


def _rate(counted: Iterable[tuple[int | None, int | None]]) -> float | None:
    """Nanoseconds of something per nanosecond of wall time, over the pairs that have both."""
    pairs = [(ns, wall_ns) for ns, wall_ns in counted if ns is not None and wall_ns is not None]
    wall = sum(wall_ns for _, wall_ns in pairs)
    return sum(ns for ns, _ in pairs) / wall if wall else None


def _worst_delay_share(blocks: Sequence[Block], threads: int) -> float | None:
    """The 95th percentile of the run-queue delay of a block, relative to the budget's time."""
    shares = sorted(
        block.noise.run_delay_ns / (block.watched_ns * threads)
        for block in blocks
        if block.noise is not None and block.noise.run_delay_ns is not None
    )
    return shares[min(len(shares) - 1, len(shares) * 19 // 20)] if shares and threads else None
