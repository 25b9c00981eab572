"""Two loops against each other, block by block: what the measurements of this folder share.

A contestant lives in a process of its own and is stopped while it is not its turn. Not both in one
process: thread pools, allocators and compiler caches belong to the process, so each would run in
what the other has left (a torch trainer even drops all programs that were compiled before it). The
price is that processes differ by the luck of their memory layout; so there are several launches,
and the interval counts what differs between them.
"""

from __future__ import annotations

import random
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from envdoctor.bench.parity.evidence import full_data
from envdoctor.bench.presets import DEFAULT
from envdoctor.bench.seat import REWARM_SECONDS
from envdoctor.bench.worker import Worker
from envdoctor.child.job import Job
from envdoctor.plugins import load_plugins
from envdoctor.statistics.paired import Comparison, compare, least_rounds
from envdoctor.workload.prepare import Prepared, find_file, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from envdoctor.api import Backend
    from envdoctor.bench.worker import Host
    from envdoctor.child.setting import Setting

FIRST_STEPS = 10
"""Steps after which both losses must be equal; they are the warm-up as well."""

LARGEST_LOSS_DIFFERENCE = 1e-4
"""Relative; float32 in another order of summation stays far below in so few steps."""

BLOCK_SECONDS = DEFAULT.block_seconds
"""As in a benchmark: on a shared machine many short rounds tell more than a few long ones."""
ROUNDS = 200
LONGEST_SECONDS = 15.0
"""Of all blocks of a launch: where a step takes seconds there are fewer rounds."""
MOST_STEPS = 20_000


class Contestant(Protocol):
    """A training loop in a process of its own."""

    def first_loss(self) -> float:
        """Take the first steps; the loss of the last one."""

    def block_seconds(self, steps: int) -> float:
        """Warm up, then time so many steps."""

    def pause(self) -> None:
        """Stop the process. It must be idle."""

    def resume(self) -> None:
        """Let it go on."""


class Plan(NamedTuple):
    """How much is measured."""

    launches: int
    rounds: int
    """Of a launch; fewer where its blocks take too long, but enough for an interval."""
    comparisons: int
    """How many contests are judged at once."""

    @property
    def least_rounds(self) -> int:
        """Of a launch, so that all launches together have an interval if any number gives one."""
        return min(self.rounds, -(-least_rounds(self.comparisons) // self.launches))


class UnequalError(Exception):
    """Two contestants trained to different losses: their speeds would be of different work."""


class InWorker:
    """A trainer in a real worker, asked as a benchmark asks it; a context manager."""

    def __init__(self, host: Host, backend: Backend, setting: Setting, prepared: Prepared) -> None:
        self._worker = Worker(host, backend, sys.executable, setting)
        self._plan_steps = prepared.steps
        self.pause, self.resume = self._worker.pause, self._worker.resume
        try:
            self._worker.load()
            job = Job(prepared.workload, prepared.optimizer, setting)
            self._worker.build(job, prepared.weights(), full_data(prepared))
        except BaseException:
            self._worker.close()
            raise

    def __enter__(self) -> InWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def first_loss(self) -> float:
        """Take the first steps; the loss of the last one."""
        return self._worker.steps(range(FIRST_STEPS))[1][-1]

    def block_seconds(self, steps: int) -> float:
        """Warm up, then time so many steps."""
        answer = self._worker.block(0, steps, self._plan_steps, REWARM_SECONDS)
        return float(answer["wall_ns"]) * 1e-9


def prepare_workload(name: str) -> Prepared:
    """A shipped workload. Raises InputError for a name that is none."""
    plugins = load_plugins(strangers=False)
    return prepare(find_file(name, plugins.workload_files()), plugins.data_sets(), seed=0)


def contest(
    first: Callable[[], AbstractContextManager[Contestant]],
    second: Callable[[], AbstractContextManager[Contestant]],
    plan: Plan,
) -> Comparison:
    """The first's time per step over the second's.

    Raises:
        UnequalError: they do not train alike; nothing was timed.
    """
    launches = []
    for number in range(plan.launches):
        with ExitStack() as stack:
            pair = []
            for start in (first, second):
                pair.append(stack.enter_context(start()))
                pair[-1].pause()
            launches.append(_launch(pair, plan, random.Random(number)))  # noqa: S311
    firsts, seconds = zip(*launches, strict=True)
    return compare(firsts, seconds, comparisons=plan.comparisons)


def _launch(
    pair: Sequence[Contestant], plan: Plan, chance: random.Random
) -> tuple[list[float], list[float]]:
    """Seconds per step of both, round by round."""
    _demand_equal_losses(pair)
    steps = [_calibrate(contestant) for contestant in pair]
    found: tuple[list[float], list[float]] = [], []
    timed_seconds = 0.0
    for number in range(plan.rounds):
        if number >= plan.least_rounds and timed_seconds >= LONGEST_SECONDS:
            break
        for index in chance.sample((0, 1), 2):
            with _turn(pair[index]) as contestant:
                seconds = contestant.block_seconds(steps[index])
            found[index].append(seconds / steps[index])
            timed_seconds += seconds
    return found


def _demand_equal_losses(pair: Sequence[Contestant]) -> None:
    losses = []
    for each in pair:
        with _turn(each) as contestant:
            losses.append(contestant.first_loss())
    # Written so that a loss that is not a number fails too.
    if not abs(losses[0] - losses[1]) <= LARGEST_LOSS_DIFFERENCE * abs(losses[1]):
        raise UnequalError(
            f"after {FIRST_STEPS} steps the losses are {losses[0]:.7g} and {losses[1]:.7g}"
        )


def _calibrate(contestant: Contestant) -> int:
    """How many steps make a block long enough."""
    steps = 1
    with _turn(contestant):
        while steps < MOST_STEPS:
            seconds = contestant.block_seconds(steps)
            if seconds >= BLOCK_SECONDS:
                break
            # A short block overstates a step, so never aim beyond ten times as many.
            steps = min(10 * steps, int(steps * 1.2 * BLOCK_SECONDS / seconds) + 1)
    return steps


@contextmanager
def _turn(contestant: Contestant) -> Iterator[Contestant]:
    """Let a contestant run for a while."""
    contestant.resume()
    yield contestant
    contestant.pause()
