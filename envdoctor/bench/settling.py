"""Short blocks after warming up, until a row is steady or is seen to be no more than noisy."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import monotonic
from typing import TYPE_CHECKING, Any

from envdoctor.bench.worker import NANOSECOND
from envdoctor.statistics.steady import LATEST, is_steady, seems_steady, still_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SHORT_SECONDS = 0.03
"""Of a short block."""
MOST_BLOCKS = 300
"""However short they are."""
WARMING = 2
"""First steps that nobody takes for steady: compilers compile with one or the other."""
COMPILING = 4
"""So many blocks that each compiled something are no warm-up any more."""


@dataclass(frozen=True)
class Settled:
    """How a row behaved until it was left to be timed."""

    step_seconds: tuple[float, ...]
    """Of each short block."""
    latest_step_seconds: float
    """What a step takes now."""
    steady: bool
    """If not, the rounds may still show that it has become so."""
    compilations: int | None
    """Programs compiled by then; None where nothing is compiled."""


def settle(
    take: Callable[[int], Mapping[str, Any]],
    warm_up_seconds: Sequence[float],
    limit_seconds: float,
) -> Settled:
    """Take short blocks, and no more of them than it takes to tell.

    Args:
        take: takes so many steps; answers as a worker does to a block.
        warm_up_seconds: of the steps before, one by one. The latest say how long a step is; where
            one is as long as a short block, they are short blocks themselves.
        limit_seconds: no block begins after so long, but the second.
    """
    begun = monotonic()
    step_seconds = max(median(warm_up_seconds[-3:]), 1e-7)
    steps = max(1, round(SHORT_SECONDS / step_seconds))
    times = list(warm_up_seconds[WARMING:]) if step_seconds >= SHORT_SECONDS else []
    before = len(times)
    compiled: list[int | None] = []
    while len(times) < MOST_BLOCKS:
        answer = take(steps)
        seconds = answer["wall_ns"] * NANOSECOND
        times.append(seconds / steps)
        compiled.append(answer["compilations"])
        if seems_steady(times) and compiled[-1] == compiled[-min(LATEST, len(compiled))]:
            break
        if monotonic() - begun > limit_seconds and len(compiled) >= 2:
            break
        if seconds < SHORT_SECONDS / 2:
            steps = max(steps + 1, round(SHORT_SECONDS / times[-1]))
    steady = not _compiles_on(compiled) and (is_steady(times) or not still_changes(times))
    return Settled(tuple(times[before:]), median(times[-LATEST:]), steady, compiled[-1])


def _compiles_on(compiled: Sequence[int | None]) -> bool:
    """Whether each of the latest blocks compiled something."""
    return len(compiled) >= COMPILING and len(set(compiled[-COMPILING:])) == COMPILING
