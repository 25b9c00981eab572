"""Steps under the clock: one by one, in blocks, and the signs that the clock saw the work."""

from __future__ import annotations

import time
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

from envdoctor.child.protocol import number

if TYPE_CHECKING:
    from envdoctor.child.contract import Trainer
    from envdoctor.child.noise import NoiseMeter

_PAUSE_SHARE = 1.5
"""Of the time of the steps before: what was still running has ended by then."""


def take_steps(trainer: Trainer, batches: List[int]) -> Dict[str, Any]:
    """Take steps one by one, waiting after each; the loss is read outside the clock."""
    walls: List[int] = []
    losses: List[Any] = []
    for batch in batches:
        begun = perf_counter_ns()
        trainer.step(batch)
        trainer.wait()
        walls.append(perf_counter_ns() - begun)
        losses.append(number(trainer.loss()))
    return {"wall_ns": walls, "losses": losses, "compilations": trainer.compilations()}


def take_block(
    trainer: Trainer,
    meter: NoiseMeter,
    batches: List[int],
    warm: Iterator[int],
    warm_ns: Optional[int],
) -> Dict[str, Any]:
    """Warm up again without a clock, then take steps between two waits.

    Args:
        trainer: what takes the steps.
        meter: what counts disturbances, from before warming up until the clock has stopped. It
            reads files of the kernel, after which a first step takes longer; so it comes first.
        batches: the steps of the block.
        warm: batches for the steps before it, as many as are needed.
        warm_ns: how long to warm up, since after idling caches are cold and clocks are low; None
            for a block that must not be preceded by any step.
    """
    step, wait = trainer.step, trainer.wait
    wait()
    meter.begin()
    watched_cpu = process_time_ns()
    watched = perf_counter_ns()
    if warm_ns is not None:
        _warm_up(trainer, warm, warm_ns)
    wait()
    cpu = process_time_ns()
    begun = perf_counter_ns()
    for batch in batches:
        step(batch)
    wait()
    ended = perf_counter_ns()
    cpu_ended = process_time_ns()
    noise = meter.end()
    return {
        "wall_ns": ended - begun,
        "cpu_ns": cpu_ended - cpu,
        "noise": {
            **noise,
            "watched_ns": ended - watched,
            "watched_cpu_ns": cpu_ended - watched_cpu,
        },
        "process_cpu_ns": process_time_ns(),
        "loss": number(trainer.loss()),
        "compilations": trainer.compilations(),
    }


def probe_clock(trainer: Trainer, batches: List[int], repeats: int) -> Dict[str, Any]:
    """Time n and 2n steps in turn, a second wait, and reading the results at once and later.

    A trainer whose `wait` returns early gives itself away here: the steps are not what takes the
    time, or its results take longer at once than after a pause in which the work can end.
    """
    single: List[int] = []
    double: List[int] = []
    single_cpu: List[int] = []
    double_cpu: List[int] = []
    second_wait: List[int] = []
    read_at_once: List[int] = []
    read_later: List[int] = []
    for _ in range(repeats):
        wall_ns, cpu_ns = _between_waits(trainer, batches)
        single.append(wall_ns)
        single_cpu.append(cpu_ns)
        second_wait.append(_clock(trainer.wait))
        read_at_once.append(_clock(lambda: _read(trainer)))
        wall_ns, cpu_ns = _between_waits(trainer, batches + batches)
        double.append(wall_ns)
        double_cpu.append(cpu_ns)
        # If the waits returned early, only reading has told how long the steps really take.
        time.sleep(_PAUSE_SHARE * (double[-1] + 2 * read_at_once[-1]) * 1e-9)
        read_later.append(_clock(lambda: _read(trainer)))
    return {
        "single_ns": single,
        "double_ns": double,
        "single_cpu_ns": single_cpu,
        "double_cpu_ns": double_cpu,
        "second_wait_ns": second_wait,
        "read_at_once_ns": read_at_once,
        "read_later_ns": read_later,
    }


def _read(trainer: Trainer) -> None:
    """Bring everything that a step leaves behind to the host."""
    trainer.loss()
    trainer.weights()


def _warm_up(trainer: Trainer, batches: Iterator[int], warm_ns: int) -> None:
    """Take at least one step and go on for so long."""
    begun = perf_counter_ns()
    for batch in batches:
        trainer.step(batch)
        trainer.wait()
        if perf_counter_ns() - begun >= warm_ns:
            break


def _between_waits(trainer: Trainer, batches: List[int]) -> Tuple[int, int]:
    """Wall and CPU nanoseconds of some steps."""
    trainer.wait()
    cpu = process_time_ns()
    begun = perf_counter_ns()
    for batch in batches:
        trainer.step(batch)
    trainer.wait()
    return perf_counter_ns() - begun, process_time_ns() - cpu


def _clock(call: Any) -> int:
    begun = perf_counter_ns()
    call()
    return perf_counter_ns() - begun
