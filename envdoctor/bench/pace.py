"""The canary: a fixed piece of work of the core itself, which tells the machine's own speed.

Where the clock of the CPU cannot be read, as on most virtual machines, this is the only sign that
it has changed between two rounds.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

BEAT_SECONDS = 0.01
SLICES = 5
_VALUES = 4096
"""Of eight bytes: the input and the output stay in the caches of one core."""
_PROBE_PASSES = 200
_PROBES = 5


class Pace:
    """The same number of square roots at every beat: element by element, hence on one thread.

    A matrix product would start the threads of the BLAS in this process. A square root keeps the
    core busy for several cycles each, so that what Python adds to a pass does not count.
    """

    def __init__(self, cpu: int | None = None, seconds: float = BEAT_SECONDS) -> None:
        """Find out how many passes take about this long; they stay the same from then on.

        Args:
            cpu: the CPU to beat on, one of the budget, since the cores of a machine may differ in
                speed; None leaves it to the system.
            seconds: the wanted length of a beat.
        """
        self._cpu = cpu
        self._input = np.linspace(1.0, 2.0, _VALUES)
        self._output = np.empty_like(self._input)
        with self._keep_to_the_cpu():
            # Disturbances only add time, so the quickest probe is the truest.
            probe_ns = min(self._time(_PROBE_PASSES) for _ in range(_PROBES))
        wanted_ns = seconds * 1e9 / SLICES
        self.passes = max(1, round(wanted_ns * _PROBE_PASSES / probe_ns))
        """Of one slice."""

    def beat(self) -> int:
        """Do the work once; returns the nanoseconds that it takes at the pace of its best slice.

        An interruption of the canary says nothing about the blocks, which count their own.
        """
        with self._keep_to_the_cpu():
            self._time(_PROBE_PASSES)  # so that a core that slept is awake, and the caches are warm
            return SLICES * min(self._time(self.passes) for _ in range(SLICES))

    def _time(self, passes: int) -> int:
        root, values, out = np.sqrt, self._input, self._output
        begun = perf_counter_ns()
        for _ in range(passes):
            root(values, out)
        return perf_counter_ns() - begun

    @contextmanager
    def _keep_to_the_cpu(self) -> Iterator[None]:
        """Bind the calling thread for a while, where the system can and the CPU is allowed."""
        if self._cpu is None or not hasattr(os, "sched_setaffinity"):
            yield
            return
        allowed = os.sched_getaffinity(0)
        if self._cpu in allowed:
            os.sched_setaffinity(0, {self._cpu})
        try:
            yield
        finally:
            os.sched_setaffinity(0, allowed)
