"""A trainer whose steps are timed as a worker does it, and by a plain loop: for `overhead.py`.

Started as `two_loops.py TRAINER MODE WORKLOAD ROUNDS SEED`, with the CPUs in TWO_LOOPS_CPUS. Prints
as JSON the seconds per step of both, round by round: `{"worker": [...], "bare": [...]}`.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import random
import sys
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from contest import BLOCK_SECONDS, FIRST_STEPS, MOST_STEPS, prepare_workload

from envdoctor.bench.parity.evidence import full_data
from envdoctor.bench.seat import REWARM_SECONDS
from envdoctor.child.contract import Data
from envdoctor.child.job import Job
from envdoctor.child.noise import NoiseMeter
from envdoctor.child.setting import Setting
from envdoctor.child.timing import take_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.child.contract import Trainer

IDLE_SECONDS = 0.02
"""Before each block, as a worker idles while others take theirs."""


class TwoLoops:
    """One trainer, and both ways to time a block of its steps."""

    def __init__(self, trainer: Trainer, plan_steps: int, cpus: Sequence[int]) -> None:
        self._trainer = trainer
        self._plan_steps = plan_steps
        self._meter = NoiseMeter(cpus)

    def worker(self, steps: int) -> float:
        """Seconds of a block as a worker takes it."""
        sleep(IDLE_SECONDS)
        batches = [step % self._plan_steps for step in range(steps)]
        warm = itertools.cycle(range(self._plan_steps))
        warm_ns = int(REWARM_SECONDS * 1e9)
        answer = take_block(self._trainer, self._meter, batches, warm, warm_ns)
        return float(answer["wall_ns"]) * 1e-9

    def bare(self, steps: int) -> float:
        """Seconds of a block in a loop that knows nothing of workers."""
        sleep(IDLE_SECONDS)
        spent = 0.0
        while spent < REWARM_SECONDS:
            spent += self._take(1)
        return self._take(steps)

    def _take(self, steps: int) -> float:
        batches = [step % self._plan_steps for step in range(steps)]
        self._trainer.wait()
        begun = perf_counter()
        for batch in batches:
            self._trainer.step(batch)
        self._trainer.wait()
        return perf_counter() - begun

    def calibrate(self) -> int:
        """How many steps make a block as long as in a benchmark."""
        self._take(FIRST_STEPS)
        step_seconds = min(self._take(FIRST_STEPS) for _ in range(5)) / FIRST_STEPS
        return min(MOST_STEPS, int(BLOCK_SECONDS / step_seconds) + 1)


def build(trainer: str, mode: str, workload: str, cpus: Sequence[int]) -> TwoLoops:
    """The trainer, ready to step."""
    prepared = prepare_workload(workload)
    setting = Setting(mode, "fp32", "cpu", len(cpus))
    package, _, name = trainer.partition(":")
    trainer_class = getattr(importlib.import_module(package), name)
    trainer_class.start(setting)
    job = Job(prepared.workload, prepared.optimizer, setting)
    built: Trainer = trainer_class(job, prepared.weights())
    built.stage(Data(**full_data(prepared)))
    return TwoLoops(built, prepared.steps, cpus)


def main() -> None:
    """Build, take all rounds, print."""
    trainer, mode, workload, rounds, seed = sys.argv[1:]
    cpus = [int(cpu) for cpu in os.environ["TWO_LOOPS_CPUS"].split(",")]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
    loops = build(trainer, mode, workload, cpus)
    steps = loops.calibrate()
    ways = {"worker": loops.worker, "bare": loops.bare}
    found: dict[str, list[float]] = {name: [] for name in ways}
    chance = random.Random(int(seed))  # noqa: S311  for order, not for secrets
    for _ in range(int(rounds)):
        for name in chance.sample(sorted(ways), 2):
            found[name].append(ways[name](steps) / steps)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
