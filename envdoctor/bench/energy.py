"""The energy of a row in continuous training, in a pass of its own, never block by block.

A GPU's counter moves about every 100 ms, and some boards look at their power a quarter of the time
only (Yang, Adamek and Armour 2023, arXiv 2312.02741): a repeat lasts ten seconds or more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Protocol

from envdoctor.errors import IncompleteError

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_SECONDS = 10.0
LEAST_REPEATS = 3
COOL_KELVIN = 2.0
"""Repeats begin at most this much above the temperature that the first one began at."""
LONGEST_COOLING_SECONDS = 120.0
"""In a room that warms up nothing cools back: then the repeat begins as it is."""
COOLING_POLL_SECONDS = 0.5

RunSeconds = Callable[[float], int]
"""Trains without a break for about so many seconds, and returns the number of samples."""


class Counter(Protocol):
    """An energy counter of a whole board or package."""

    source: str
    """Its name, for the record."""

    def joules(self) -> float:
        """Energy since some moment. Raises IncompleteError once it cannot be read."""

    def celsius(self) -> float | None:
        """The temperature of what has to cool down; None where there is no need to wait."""


@dataclass(frozen=True)
class Clock:
    """The time and how to let it pass, both in seconds."""

    now: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Spent:
    """What one repeat took, idling included."""

    joules: float
    seconds: float
    samples: int


@dataclass(frozen=True)
class EnergyFigures:
    """Joules per sample: the median of the repeats, the least and the most of them."""

    joules_per_sample: float
    low: float
    high: float
    watts: float
    """The median power while training."""
    idle_watts: float
    """The power before, with the worker alive and waiting."""
    net_joules_per_sample: float
    """The median, each less what idling for as long takes; below 0 where noise exceeds it."""


class EnergyMeter:
    """Measures rows on one device, one after the other, by the device's counter."""

    def __init__(self, counter: Counter, clock: Clock | None = None) -> None:
        self.source = counter.source
        self._counter = counter
        self._clock = clock or Clock()
        self._start_celsius: float | None = None

    def measure(
        self,
        run_seconds: RunSeconds,
        repeats: int = LEAST_REPEATS,
        seconds: float = LEAST_SECONDS,
    ) -> EnergyFigures:
        """Let the device idle, then train several times; for a row that is alone.

        To interleave the repeats of several rows, call `idle_watts` once and `spend` in turn, and
        `summarise` for each row.

        Raises:
            IncompleteError: the counter stands still or cannot be read any more, or nothing was
                trained.
        """
        idle_watts = self.idle_watts(seconds)
        return summarise([self.spend(run_seconds, seconds) for _ in range(repeats)], idle_watts)

    def idle_watts(self, seconds: float = LEAST_SECONDS) -> float:
        """The power while nothing is asked of the device. Raises IncompleteError as `measure`."""
        joules, passed_seconds, _ = self._between(lambda: self._clock.sleep(seconds))
        return joules / passed_seconds

    def spend(self, run_seconds: RunSeconds, seconds: float = LEAST_SECONDS) -> Spent:
        """Train once, from the temperature of the first time. Raises IncompleteError."""
        self._cool_down()
        joules, passed_seconds, samples = self._between(lambda: run_seconds(seconds))
        if not samples:
            raise IncompleteError("no sample was trained while energy was measured.")
        return Spent(joules, passed_seconds, samples)

    def _between(self, work: Callable[[], int | None]) -> tuple[float, float, int]:
        """Joules, seconds and result of some work."""
        joules, begun = self._counter.joules(), self._clock.now()
        result = work()
        spent, seconds = self._counter.joules() - joules, self._clock.now() - begun
        if spent <= 0:
            raise IncompleteError(
                f"the energy counter ({self.source}) stood still for {seconds:.1f} seconds."
            )
        return spent, seconds, result or 0

    def _cool_down(self) -> None:
        """Wait until it is as cool as it was at first, or for as long as makes sense."""
        if self._start_celsius is None:
            self._start_celsius = self._counter.celsius()
        end = self._clock.now() + LONGEST_COOLING_SECONDS
        while self._is_warm() and self._clock.now() < end:
            self._clock.sleep(COOLING_POLL_SECONDS)

    def _is_warm(self) -> bool:
        celsius, start = self._counter.celsius(), self._start_celsius
        return celsius is not None and start is not None and celsius > start + COOL_KELVIN


def summarise(repeats: Sequence[Spent], idle_watts: float) -> EnergyFigures:
    """The figures of a row from its repeats, of which there must be one at least."""
    each = sorted(spent.joules / spent.samples for spent in repeats)
    return EnergyFigures(
        joules_per_sample=median(each),
        low=each[0],
        high=each[-1],
        watts=median(spent.joules / spent.seconds for spent in repeats),
        idle_watts=idle_watts,
        net_joules_per_sample=median(
            (spent.joules - idle_watts * spent.seconds) / spent.samples for spent in repeats
        ),
    )
