"""Whether a row was steady while it was timed: by its short blocks before, else by its rounds."""

from __future__ import annotations

from math import log
from statistics import fmean
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.statistics.drift import FEWEST_VALUES, drift
from envdoctor.statistics.pairing import kept_blocks

if TYPE_CHECKING:
    from envdoctor.model.cell import Cell
    from envdoctor.model.run import Run

CONFIDENCE = 0.95


def was_steady(run: Run, cell: Cell) -> bool:
    """Whether nothing was compiled during the blocks of a row, and every launch became steady.

    Short blocks have nothing beside them, so that a machine that changes its speed looks like a
    row that does. A launch that still drifted in them has become steady if its ratio to the other
    rows then stayed where it was, round by round.
    """
    if any(launch.compiled_while_timed for launch in cell.launches):
        return False
    return all(launch.steady or _stayed(run, cell, launch.launch) for launch in cell.launches)


def _stayed(run: Run, cell: Cell, launch: int) -> bool:
    """Whether a row neither gained nor lost against the others in the rounds of a launch."""
    alike = structs.replace(cell.row, twin=not cell.row.twin)
    others = [
        _log_seconds(run, other, launch)
        for other in run.cells
        # A copy of the row warms up as the row does, and so would hide it.
        if other.workload == cell.workload and other.row not in {cell.row, alike}
    ]
    ratios = []
    for turn, own in _log_seconds(run, cell, launch).items():
        beside = [other[turn] for other in others if turn in other]
        ratios.append(own - fmean(beside) if beside else own)
    if len(ratios) < FEWEST_VALUES:
        return False
    return drift(ratios, margin=run.plan.margin, confidence=CONFIDENCE) is None


def _log_seconds(run: Run, cell: Cell, launch: int) -> dict[int, float]:
    """The logarithm of the seconds per step in each round of a launch that counts, in order."""
    return {
        block.round: log(block.wall_ns * 1e-9 / block.steps)
        for block in kept_blocks(run, cell)
        if block.launch == launch
    }
