"""Whether something from outside disturbed a block, judged by causes and never by its time.

A rule that looked at the times would throw away what is slow, and so choose the result. The
thresholds compare a worker with its own quietest blocks: what a framework does to itself, with
more threads than CPUs, is there in all of them and is its own affair.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from envdoctor.statistics.disturbance import strikes_unequally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.bench.bystanders import Taken
    from envdoctor.model.cell import Block, Cause
    from envdoctor.model.run import Round

QUIET_SHARE = 0.1
"""The percentile that stands for quiet: a median would hide a load that lasts most of a launch."""
RUN_DELAY_EXCESS = 0.02
"""Of wall time times CPUs. Above this the spread of paired ratios was two to ten times as wide."""
FOREIGN_SHARE = 0.05
STEAL_SHARE = 0.01
CANARY_RATIO = 1.05
TICK_NS = 10_000_000
"""The unit of /proc/stat: USER_HZ is 100 wherever Python runs on Linux (proc_stat(5))."""
BUSY_TICKS = 2
"""How far the busy time of one CPU may be off: a tick of user and one of system time, rounded."""
STEAL_TICKS = 1
ROUNDING_TICKS = 1
"""How far either may be off by chance over a round, on each CPU: three times the standard deviation
that was seen on a machine without other load. Beyond it somebody else is seen to be there."""
MOST_ATTEMPTS = 3
EXTRA_SHARE = 0.5
LASTING = 4
"""After so many disturbed turns in a row the disturbance lasts, and repeats only cost time."""


def judge_block(
    block: Block, earlier: Sequence[Block], threads: int, *, beside: bool
) -> tuple[Cause, ...]:
    """Name what disturbed a block; nothing if nothing did, or if nothing could be read.

    Args:
        block: the block, with what its worker counted meanwhile.
        earlier: blocks of the same worker and launch, repeated rounds among them.
        threads: the CPUs of the budget.
        beside: whether somebody else was on the CPUs in its round: the threads of a framework wait
            for each other too, now less and now more.
    """
    noise = block.noise
    if noise is None:
        return ()
    found: dict[Cause, bool] = {
        "run-queue delay": beside and _waited(block, earlier, threads),
        "foreign CPU": _foreign_share(block, threads, BUSY_TICKS) > FOREIGN_SHARE,
        "steal": _stolen_share(block, threads, STEAL_TICKS) > STEAL_SHARE,
        "quota": bool(noise.throttled),
        "GPU throttling": bool(noise.gpu_throttled),
    }
    return tuple(cause for cause, present in found.items() if present)


def judge_round(taken: Taken, threads: int) -> tuple[Cause, ...]:
    """Name what took CPU time from a round, of which short blocks alone tell too little.

    Args:
        taken: what others had meanwhile.
        threads: the CPUs of the budget.
    """
    found: dict[Cause, bool] = {
        "foreign CPU": _taken_share(taken, taken.foreign_ns, threads) > FOREIGN_SHARE,
        "steal": _taken_share(taken, taken.steal_ns, threads) > STEAL_SHARE,
    }
    return tuple(cause for cause, present in found.items() if present)


def somebody_beside(taken: Taken, threads: int) -> bool:
    """Whether anybody else was on the CPUs in a round; True where that cannot be read."""
    found = (taken.foreign_ns, taken.steal_ns)
    if None in found:
        return True
    return any(_taken_share(taken, each, threads) > 0 for each in found)


def slow_canary(canary_ns: int, earlier: Sequence[int]) -> bool:
    """Whether the machine itself was slow: the canary against its quickest over all launches."""
    return bool(earlier) and canary_ns > CANARY_RATIO * _quiet(earlier)


def oversubscribed(blocks: Sequence[Block], threads: int) -> bool:
    """Whether a framework's own threads wait for each other, even in its quietest blocks.

    That is no contamination but a finding: the CPUs are contended and nobody else is on them.

    Args:
        blocks: of one worker, of any number of launches.
        threads: the CPUs of the budget.
    """
    counted = [block for block in blocks if block.noise and block.noise.run_delay_ns is not None]
    watched = [block for block in counted if block.noise and block.noise.busy_ns is not None]
    if not watched:
        return False
    waiting = _quiet([_waiting_share(block, threads) or 0.0 for block in counted])
    # Rounding of single blocks goes either way, so that the middle one needs no allowance.
    foreign = median(_foreign_share(block, threads, 0) for block in watched)
    # A thread also waits while the hypervisor has its CPU.
    stolen = median(_stolen_share(block, threads, 0) for block in watched)
    calm = foreign <= FOREIGN_SHARE and stolen <= STEAL_SHARE
    return waiting > RUN_DELAY_EXCESS and calm


def repeats_left(rounds: Sequence[Round], planned: int) -> bool:
    """Whether the latest round may be tried again: three tries each, half as many extra in all.

    Not while the disturbance lasts: what is bought with a repeat is a quieter moment. Nor for what
    strikes all rows alike: repeating such rounds threw up to a third of them away.

    Args:
        rounds: all so far of one workload and launch, every attempt, the latest last.
        planned: how many rounds that launch has without repeats.
    """
    if not rounds:
        return True
    latest = rounds[-LASTING:]
    if len(latest) == LASTING and all(map(strikes_unequally, latest)):
        return False
    extra = sum(1 for each in rounds if each.attempt > 0)
    return rounds[-1].attempt + 1 < MOST_ATTEMPTS and extra + 1 <= EXTRA_SHARE * planned


def _waited(block: Block, earlier: Sequence[Block], threads: int) -> bool:
    """Whether its threads waited for a CPU longer than in the quiet blocks of its launch.

    The first block has nothing to be held to; a load from outside shows as foreign CPU too.
    """
    share = _waiting_share(block, threads)
    shares = [_waiting_share(each, threads) for each in earlier]
    known = [each for each in shares if each is not None]
    if share is None or not known:
        return False
    return share > _quiet(known) + RUN_DELAY_EXCESS


def _waiting_share(block: Block, threads: int) -> float | None:
    """Run-queue delay as a share of the budget's time; without it, the pressure on all CPUs."""
    noise = block.noise
    if noise is None:
        return None
    if noise.run_delay_ns is not None:
        return noise.run_delay_ns / (block.watched_ns * threads)
    if noise.pressure_ns is not None:
        return noise.pressure_ns / block.watched_ns
    return None


def _foreign_share(block: Block, threads: int, allowed_ticks: int) -> float:
    """CPU time of others, less an allowance for each CPU, as a share of the budget's time.

    The allowance is linear in the CPUs: their ticks come together, so that errors do not cancel.
    """
    if block.noise is None or block.noise.busy_ns is None:
        return 0.0
    foreign_ns = block.noise.busy_ns - block.watched_cpu_ns - allowed_ticks * threads * TICK_NS
    return foreign_ns / (block.watched_ns * threads)


def _taken_share(taken: Taken, found_ns: int | None, threads: int) -> float:
    """Of the budget's time in a round, less what rounding to ticks can make of it by chance."""
    if found_ns is None:
        return 0.0
    return (found_ns - ROUNDING_TICKS * threads * TICK_NS) / (taken.wall_ns * threads)


def _stolen_share(block: Block, threads: int, allowed_ticks: int) -> float:
    """Time that the hypervisor took, less an allowance, as a share of the budget's time."""
    if block.noise is None or block.noise.steal_ns is None:
        return 0.0
    steal_ns = block.noise.steal_ns - allowed_ticks * threads * TICK_NS
    return steal_ns / (block.watched_ns * threads)


def _quiet(values: Sequence[float]) -> float:
    """The value at the low percentile, rounded down: the least of up to ten."""
    return sorted(values)[int(QUIET_SHARE * (len(values) - 1))]
