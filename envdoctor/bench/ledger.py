"""The record while it grows: cells, launches, blocks and rounds as they come in."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from msgspec import structs

from envdoctor.model.cell import Cell
from envdoctor.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.model.cell import Block, Launch, Row
    from envdoctor.model.run import Round, Run

UNFINISHED = Outcome(status="failed", reason="the run ended before it was measured.")


class Ledger:
    """A run that is being written. What is in it at any moment is fit to be saved.

    Workers that start side by side write to it from several threads.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._lock = threading.RLock()

    def cell(self, row: Row, workload: str) -> Cell:
        """What is known of a row on a workload; it is entered if it was not there."""
        with self._lock:
            for cell in self.run.cells:
                if cell.row == row and cell.workload == workload:
                    return cell
            cell = Cell(row=row, workload=workload, outcome=UNFINISHED)
            self.change(cells=(*self.run.cells, cell))
            return cell

    def keep(self, row: Row, workload: str, **values: Any) -> None:
        """Enter values of a cell."""
        with self._lock:
            before = self.cell(row, workload)
            after = structs.replace(before, **values)
            self.change(cells=tuple(after if cell is before else cell for cell in self.run.cells))

    def keep_launch(self, row: Row, workload: str, launch: Launch) -> None:
        """Enter a launch, or write over the entry of the same number."""
        with self._lock:
            known = self.cell(row, workload).launches
            others = [each for each in known if each.launch != launch.launch]
            self.keep(row, workload, launches=(*others, launch))

    def keep_round(self, done: Round, blocks: Mapping[Row, Block]) -> None:
        """Enter a round with the block of each row; of several attempts the latest counts.

        The one before counts until then, so that an interrupted repeat takes nothing away.
        """
        turn = (done.workload, done.launch, done.round)
        with self._lock:
            for row, block in blocks.items():
                cell = self.cell(row, done.workload)
                self.keep(row, done.workload, blocks=(*cell.blocks, block))
            earlier = tuple(
                structs.replace(each, kept=False)
                if (each.workload, each.launch, each.round) == turn
                else each
                for each in self.run.rounds
            )
            self.change(rounds=(*earlier, done))

    def change(self, **values: Any) -> None:
        """Enter values of the run."""
        with self._lock:
            self.run = structs.replace(self.run, **values)
