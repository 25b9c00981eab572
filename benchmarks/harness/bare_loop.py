"""A trainer in a plain loop, without a worker: the other side of `overhead.py`.

Started as `bare_loop.py TRAINER MODE WORKLOAD`, it builds and prints 0. It answers each line on
its standard input: `loss N` takes N steps and prints the loss of the last, `block N` warms up and
prints the seconds of N steps.
"""

from __future__ import annotations

import importlib
import os
import sys
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envdoctor.child.contract import Trainer


def build(trainer: str, mode: str, workload: str) -> tuple[Trainer, int]:
    """The trainer, ready to step, and the length of its plan of batches."""
    from contest import prepare_workload

    from envdoctor.bench.parity.evidence import full_data
    from envdoctor.child.contract import Data
    from envdoctor.child.job import Job
    from envdoctor.child.setting import Setting

    prepared = prepare_workload(workload)
    setting = Setting(mode, "fp32", "cpu", len(os.environ["BARE_LOOP_CPUS"].split(",")))
    package, _, name = trainer.partition(":")
    trainer_class = getattr(importlib.import_module(package), name)
    trainer_class.start(setting)
    job = Job(prepared.workload, prepared.optimizer, setting)
    built: Trainer = trainer_class(job, prepared.weights())
    built.stage(Data(**full_data(prepared)))
    return built, prepared.steps


def take(trainer: Trainer, steps: int, count: int) -> float:
    """Seconds of so many steps."""
    batches = [step % count for step in range(steps)]
    trainer.wait()
    begun = perf_counter()
    for batch in batches:
        trainer.step(batch)
    trainer.wait()
    return perf_counter() - begun


def warm_up(trainer: Trainer, count: int) -> None:
    """Take at least one step, for a while."""
    from envdoctor.bench.seat import REWARM_SECONDS

    spent = 0.0
    while spent < REWARM_SECONDS:
        spent += take(trainer, 1, count)


def answer(trainer: Trainer, count: int, line: str) -> float:
    """What one line asks for."""
    request, _, steps = line.partition(" ")
    if request == "loss":
        take(trainer, int(steps), count)
        return trainer.loss()
    warm_up(trainer, count)
    return take(trainer, int(steps), count)


def main() -> None:
    """Build, then answer until the input ends."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cpu) for cpu in os.environ["BARE_LOOP_CPUS"].split(",")})
    trainer, count = build(*sys.argv[1:4])
    _say(0.0)
    for line in sys.stdin:
        _say(answer(trainer, count, line))


def _say(value: float) -> None:
    sys.stdout.write(f"{value!r}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
