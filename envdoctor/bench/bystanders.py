"""CPU time that nobody of the run used, over a whole round.

Blocks are too short for the kernel's ticks of 10 ms to tell who else is there. Over a round, from
before its first worker wakes until its last one sleeps, they are off by no more than in one block,
of a time ten times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING

from envdoctor.child.noise import read_cpu_times

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Taken:
    """What others had of the CPUs of the budget; None where it cannot be told."""

    wall_ns: int
    """How long was watched."""
    foreign_ns: int | None
    """CPU time of other processes; below zero where ticks are rounded that way."""
    steal_ns: int | None
    """CPU time that the hypervisor gave to other machines."""


class Bystanders:
    """Watches one round after another: `begin`, the round, `end`."""

    def __init__(self, cpus: Sequence[int]) -> None:
        """Watch these CPUs, by the kernel's numbers."""
        self._cpus = tuple(cpus)
        self._levels: tuple[int | None, int | None] = None, None
        self._own_ns = self._begun_ns = 0

    def begin(self) -> None:
        """Note all counters."""
        self._begun_ns = perf_counter_ns()
        self._own_ns = process_time_ns()
        self._levels = read_cpu_times(self._cpus)

    def end(self, workers_ns: Sequence[int | None]) -> Taken:
        """Count since `begin`.

        Args:
            workers_ns: the CPU time that each worker has used meanwhile.
        """
        busy_ns, steal_ns = (
            None if before is None or after is None else after - before
            for before, after in zip(self._levels, read_cpu_times(self._cpus), strict=True)
        )
        known = [each for each in workers_ns if each is not None]
        foreign_ns = None
        if busy_ns is not None and len(known) == len(workers_ns):
            foreign_ns = busy_ns - sum(known) - (process_time_ns() - self._own_ns)
        # Some hypervisors let the stolen time fall, which counts as none.
        stolen_ns = None if steal_ns is None else max(0, steal_ns)
        return Taken(perf_counter_ns() - self._begun_ns, foreign_ns, stolen_ns)
