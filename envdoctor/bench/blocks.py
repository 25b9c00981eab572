"""Sizes of blocks, and what the record keeps of one and of the memory around them."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from envdoctor.model.run import Block, Memory

if TYPE_CHECKING:
    from envdoctor.bench.worker import Loaded

FEWEST_STEPS = 5
LONGEST_BLOCK_SECONDS = 2.0


def block_steps(step_seconds: float, block_seconds: float) -> int:
    """Steps for a block of about the wanted length: at least five, at most two seconds' worth."""
    step = max(step_seconds, 1e-7)
    longest = max(1, int(LONGEST_BLOCK_SECONDS / step))
    return max(min(FEWEST_STEPS, longest), min(longest, ceil(block_seconds / step)))


def record_block(answer: dict[str, Any], number: int, steps: int) -> Block:
    """A block as the worker timed it, of the first and only launch."""
    return Block(
        launch=0,
        round=number,
        position=0,
        steps=steps,
        wall_ns=answer["wall_ns"],
        cpu_ns=answer["cpu_ns"],
    )


def record_memory(
    loaded: Loaded, built: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> Memory | None:
    """Host memory from its levels before building and the peaks before and in the blocks.

    What a model costs is counted from before it was built, not after: some backends take their
    buffers at once and others with the first step, and both are its cost.
    """
    looks = (loaded.footprint_bytes, built["memory"], before["host"], after["host"])
    if None in looks:
        return None
    return Memory(
        footprint_bytes=max(0, loaded.footprint_bytes or 0),
        working_set_bytes=max(0, after["host"]["peak_bytes"] - built["memory"]["resident_bytes"]),
        peak_bytes=max(before["host"]["peak_bytes"], after["host"]["peak_bytes"]),
        device_peak_bytes=after["device_peak_bytes"],
        device_reserved_bytes=after["device_reserved_bytes"],
    )
