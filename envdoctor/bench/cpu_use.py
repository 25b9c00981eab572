"""How much of its CPU budget a row really used: more means no fair race, much less is worth a note.

Setting a mask is not enough to know: a framework may start threads before it or widen it later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.model.cell import Block

MOST_SHARE = 1.05
LEAST_SHARE = 0.6
TICK_NS = 10_000_000
"""How far the CPU time of one block may be off where the system counts it in ticks."""


@dataclass(frozen=True)
class CpuVerdict:
    """What the CPU use of a row means for it."""

    refused: bool = False
    """Whether the row has no comparable speed: it used more than its budget."""
    text: str = ""
    """A sentence if it is refused, else a short note; empty if there is nothing to say."""


def verdict_on_cpu_use(blocks: Sequence[Block], threads: int) -> CpuVerdict:
    """Judge the CPU seconds per second of the blocks that nothing disturbed, or of all if none.

    Args:
        blocks: of one row on the CPU, of any number of launches.
        threads: the CPUs of the budget.
    """
    calm = [block for block in blocks if not block.causes] or list(blocks)
    wall_ns = sum(block.wall_ns for block in calm)
    if not wall_ns:
        return CpuVerdict()
    cpu_ns = sum(block.cpu_ns for block in calm)
    used = cpu_ns / wall_ns
    if cpu_ns - TICK_NS * len(calm) > MOST_SHARE * threads * wall_ns:
        budget = "1 CPU" if threads == 1 else f"{threads} CPUs"
        return CpuVerdict(
            refused=True,
            text=f"it used {used:.1f} CPUs of a budget of {budget}: its threads did not keep to "
            "the CPU mask.",
        )
    if used < LEAST_SHARE * threads:
        return CpuVerdict(text=f"uses {used:.1f} of {threads} CPU{'' if threads == 1 else 's'}")
    return CpuVerdict()
