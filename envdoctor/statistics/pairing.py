"""Which blocks of a record count, and which of two rows belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

if TYPE_CHECKING:
    from envdoctor.model.cell import Block, Cell
    from envdoctor.model.run import Run

Turn = tuple[int, int]
"""Launch and round."""


def cells_of(run: Run, workload: str) -> list[Cell]:
    """The rows with a speed on a workload, without the twin, in the order of the record."""
    return [
        cell
        for cell in run.cells
        if cell.workload == workload and cell.comparable and not cell.row.twin
    ]


def twins(run: Run, workload: str) -> tuple[Cell, Cell] | None:
    """The twin on a workload and its original; None if one of them is missing."""
    found = {cell.row: cell for cell in run.cells if cell.workload == workload and cell.blocks}
    for row, cell in found.items():
        original = found.get(structs.replace(row, twin=False))
        if row.twin and original is not None:
            return cell, original
    return None


def kept_blocks(run: Run, cell: Cell) -> list[Block]:
    """The blocks of rounds that were not contaminated, in order of time."""
    kept = {
        (turn.launch, turn.round): turn.attempt
        for turn in run.rounds
        if turn.workload == cell.workload and turn.kept
    }
    blocks = [b for b in cell.blocks if kept.get((b.launch, b.round)) == b.attempt]
    return sorted(blocks, key=lambda block: (block.launch, block.round))


def paired_seconds(
    run: Run, cell: Cell, reference: Cell
) -> tuple[list[list[float]], list[list[float]]]:
    """Seconds per step of both, by launch, in the rounds that both have; perhaps in none."""
    times, others = _by_turn(run, cell), _by_turn(run, reference)
    common = [turn for turn in times if turn in others]
    launches = sorted({launch for launch, _ in common})
    return (
        [[times[turn] for turn in common if turn[0] == launch] for launch in launches],
        [[others[turn] for turn in common if turn[0] == launch] for launch in launches],
    )


def _by_turn(run: Run, cell: Cell) -> dict[Turn, float]:
    """Seconds per step by launch and round, in order of time."""
    return {
        (block.launch, block.round): block.wall_ns * 1e-9 / block.steps
        for block in kept_blocks(run, cell)
    }


def round_seconds(run: Run, workload: str) -> float | None:
    """What a round of all rows takes, the blocks only; None without a kept round."""
    cells = [cell for cell in run.cells if cell.workload == workload]
    blocks = [block for cell in cells for block in kept_blocks(run, cell)]
    rounds = len({(block.launch, block.round) for block in blocks})
    return sum(block.wall_ns for block in blocks) * 1e-9 / rounds if rounds else None
