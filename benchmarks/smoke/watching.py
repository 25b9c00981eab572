"""What the GPU says of itself while a step runs: clock, slowdowns, power, heat and memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SAMPLE_SECONDS = 0.25
JOIN_SECONDS = 5.0
"""A driver that hangs must not hold the whole; the thread dies with the process."""
IDLE = 1
"""The event bit of a GPU that has nothing to do."""
QUANTITIES: Mapping[str, tuple[str, float]] = {
    "sm_clock_hertz": ("SM clock in MHz", 1e6),
    "power_watts": ("power in W", 1.0),
    "temperature_celsius": ("temperature in °C", 1.0),
    "used_bytes": ("memory in use in MiB", 2.0**20),
}


class Source(Protocol):
    """One GPU that can be read; an `envdoctor.detect.nvml.Gpu`."""

    def read(self) -> Any:
        """A sample with the quantities, None where one cannot be read, and `reasons`."""


@dataclass(frozen=True)
class Seen:
    """What was seen of the GPU during a step."""

    ranges: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Least, median and most of each quantity, idle moments included."""
    events: tuple[str, ...] = ()
    """Every reason for the clocks that was given, but idling."""
    joules: float | None = None
    """Of the whole board, from the first sample to the last."""
    samples: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    """Why something was not seen, by quantity."""


class Watch:
    """Samples a GPU in a thread. A context manager; `seen` is complete after it."""

    def __init__(self, source: Source | None, names: Callable[[int], Sequence[str]]) -> None:
        """Nothing is read yet.

        Args:
            source: the GPU; None sees nothing.
            names: of the bits of a sample's events.
        """
        self._source = source
        self._names = names
        self._samples: list[Any] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Watch:
        if self._source is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_SECONDS)

    def seen(self) -> Seen:
        """What the samples say together."""
        return summarise(list(self._samples), self._names)

    def _sample(self) -> None:
        assert self._source is not None, "started only with a source"
        while not self._over.is_set():
            self._samples.append(self._source.read())
            self._over.wait(SAMPLE_SECONDS)


def summarise(samples: Sequence[Any], names: Callable[[int], Sequence[str]]) -> Seen:
    """Ranges, events and energy of samples in the order of time."""
    ranges: dict[str, tuple[float, float, float]] = {}
    for name in QUANTITIES:
        values = _known(samples, name)
        if values:
            ranges[name] = (min(values), median(values), max(values))
    bits = 0
    for value in _known(samples, "event_bits"):
        bits |= int(value)
    energies = _known(samples, "energy_joules")
    return Seen(
        ranges=ranges,
        events=tuple(names(bits & ~IDLE)),
        joules=energies[-1] - energies[0] if len(energies) > 1 else None,
        samples=len(samples),
        reasons=dict(samples[-1].reasons) if samples else {},
    )


def _known(samples: Sequence[Any], name: str) -> list[float]:
    values = (getattr(sample, name) for sample in samples)
    return [value for value in values if value is not None]
