"""The numbers of a run that a reason rests on: what each row took, by priority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.choose.records import Figure, Priority, Quantity
from envdoctor.statistics.blocks import summarise
from envdoctor.statistics.costs import costs
from envdoctor.statistics.pairing import kept_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.model.cell import Cell, Row
    from envdoctor.model.run import Run

QUANTITIES: dict[Priority, Quantity] = {
    "speed": "step_seconds",
    "memory": "memory_bytes",
    "start-up": "start_seconds",
}


def figure_of(run: Run, cell: Cell, quantity: Quantity) -> float | None:
    """The number of a row on a workload; None if it was not measured."""
    if quantity == "memory_bytes":
        return _memory_bytes(cell)
    if quantity == "start_seconds":
        found = costs(run, cell)
        return None if found is None else found.setup_seconds
    step = summarise(kept_blocks(run, cell))
    return None if step is None else step.seconds


def _memory_bytes(cell: Cell) -> float | None:
    """What it takes to exist and to train, or the peak on another device."""
    memory = cell.memory
    if memory is None:
        return None
    if cell.row.device != "cpu":
        return memory.device_peak_bytes
    return memory.footprint_bytes + memory.working_set_bytes


def figures(run: Run, row: Row, workloads: Sequence[str], priority: Priority) -> tuple[Figure, ...]:
    """What counts of a row: of speed each workload, of the others the one that takes most."""
    quantity = QUANTITIES[priority]
    found = tuple(
        Figure(workload=cell.workload, row=row.title, quantity=quantity, value=value)
        for cell in run.cells
        if cell.row == row and cell.workload in workloads
        for value in [figure_of(run, cell, quantity)]
        if value is not None
    )
    if priority == "speed":
        return found
    return tuple(sorted(found, key=lambda each: -each.value)[:1])
