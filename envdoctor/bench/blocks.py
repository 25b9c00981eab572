"""Sizes of blocks, and what the record keeps of one and of the memory around them."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from envdoctor.model.cell import Memory

if TYPE_CHECKING:
    from envdoctor.bench.worker import Loaded

FEWEST_STEPS = 2
LONG_STEP_SECONDS = 0.05
"""Of a step that is a block by itself: what a wait costs does not count beside it, and more blocks
of one step tell more than fewer blocks of two."""
LONGEST_BLOCK_SECONDS = 2.0
TOO_SHORT_SHARE = 0.5
"""Of the wanted length, under which the next block is made longer."""


def block_steps(step_seconds: float, block_seconds: float) -> int:
    """Steps for a block of about the wanted length: two of them at least, unless they are long."""
    step = max(step_seconds, 1e-7)
    fewest = 1 if step >= LONG_STEP_SECONDS else FEWEST_STEPS
    longest = max(fewest, int(LONGEST_BLOCK_SECONDS / step))
    return max(fewest, min(longest, ceil(block_seconds / step)))


def next_steps(steps: int, seconds: float, block_seconds: float) -> int:
    """Steps for the next block, after one of so many took this long.

    While the machine was disturbed a step seemed longer than it is, and blocks were planned too
    short to be timed well.
    """
    if seconds >= TOO_SHORT_SHARE * block_seconds:
        return steps
    return max(steps, block_steps(seconds / steps, block_seconds))


def record_memory(
    loaded: Loaded, built: dict[str, Any], after: dict[str, Any], once_bytes: int = 0
) -> Memory | None:
    """Host memory from its level before building and the peaks of compiling and of steady steps.

    What a model costs is counted from before it was built, not after: some backends take their
    buffers at once and others with the first step, and both are its cost.

    Args:
        loaded: what was there after the import.
        built: the answer to `build`, with the peak from then to the end of the first step.
        after: the memory after the steps that followed.
        once_bytes: what the process took for its first model and kept: had this one been the first,
            it would have taken it.
    """
    before, compiling, steady = built["memory"], built["compile_peak"], after["host"]
    if loaded.footprint_bytes is None or None in (before, compiling, steady):
        return None
    level = before["resident_bytes"] - once_bytes
    return Memory(
        footprint_bytes=max(0, loaded.footprint_bytes),
        working_set_bytes=max(0, steady["peak_bytes"] - level),
        peak_bytes=max(loaded.peak_bytes or 0, compiling["peak_bytes"], steady["peak_bytes"]),
        compile_peak_bytes=max(0, compiling["peak_bytes"] - level),
        steady_peak_bytes=steady["peak_bytes"],
        device_peak_bytes=after["device_peak_bytes"],
        device_reserved_bytes=after["device_reserved_bytes"],
    )
