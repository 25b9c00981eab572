"""Cross-validation: a small table for each workload."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from envdoctor.report.grid import Column, draw
from envdoctor.report.table import quality_heading
from envdoctor.statistics.folds import is_complete, paired, spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from envdoctor.model.cell import Cell
    from envdoctor.model.run import Run, WorkloadRecord

REFERENCE = "reference"
EXPLANATION = (
    "Every row trains once a fold, on all other samples, from the same weights. spread: the "
    "standard deviation over the folds; ± of a difference: that of the differences fold by fold. "
    "A sample tests one training and teaches all others, so folds depend on each other, and "
    "neither is a standard error."
)
MOST_DECIMALS = 6


@dataclass(frozen=True)
class FoldTable:
    """The folds of one workload, over all its precisions."""

    heading: str
    headings: tuple[str, ...]
    """Of the columns: backend, mean, spread, difference, values."""
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    """Who has no values, or not all, and why."""


def fold_tables(run: Run) -> tuple[FoldTable, ...]:
    """A table for each workload, where folds were asked for; one without rows has a note."""
    if run.plan.folds is None:
        return ()
    found = (_table(run, record) for record in run.workloads)
    return tuple(table for table in found if table.rows or table.notes)


def show_folds(run: Run, console: Console) -> None:
    """Print the tables; what has no room is the single values."""
    found = fold_tables(run)
    for table in found:
        console.print(Text(table.heading, style="bold"))
        if table.rows:
            last = len(table.headings) - 1
            columns = [
                Column(heading, list(cells), left=not place, rank=int(place == last))
                for place, (heading, cells) in enumerate(
                    zip(table.headings, zip(*table.rows, strict=True), strict=True)
                )
            ]
            console.print(draw(columns, console.width))
        for note in table.notes:
            console.print(Padding(Text(note), (0, 0, 0, 2)))
        console.print()
    if any(table.rows for table in found):
        console.print(Text(EXPLANATION, style="dim"))
        console.print()


def _table(run: Run, record: WorkloadRecord) -> FoldTable:
    own = (cell for cell in run.cells if cell.workload == record.name and not cell.row.twin)
    cells = [cell for cell in own if cell.comparable]
    whole = [cell for cell in cells if is_complete(cell)]
    name = whole[0].row.title if whole else ""
    notes = [f"no folds: {record.no_folds}"] if record.no_folds else [*_notes(run, cells)]
    return FoldTable(
        heading=f"{record.name}: {run.plan.folds}-fold cross-validation",
        headings=("backend", quality_heading(record), "spread", f"vs {name}", "each fold"),
        rows=tuple(_rows(whole, record)),
        notes=tuple(notes),
    )


def _rows(cells: Sequence[Cell], record: WorkloadRecord) -> Iterator[tuple[str, ...]]:
    """The first row with all folds is what the others are compared with."""
    unit = 100 if record.loss == "cross_entropy" else 1
    values = [[unit * value for value in cell.folds.values] for cell in cells if cell.folds]
    decimals = _decimals(max((spread(each).deviation for each in values), default=0.0))
    for cell, own in zip(cells, values, strict=True):
        found, other = spread(own), paired(own, values[0])
        difference = f"{other.mean:+z.{decimals}f} ±{other.deviation:.{decimals}f}"
        yield (
            cell.row.title,
            f"{found.mean:.{decimals}f}",
            f"{found.deviation:.{decimals}f}",
            REFERENCE if own is values[0] else difference,
            " ".join(f"{value:.{decimals}f}" for value in own),
        )


def _decimals(deviation: float) -> int:
    """So many that the largest spread of a table has two digits."""
    if deviation == 0:
        return 2
    return min(MOST_DECIMALS, max(0, 1 - floor(log10(deviation))))


def _notes(run: Run, cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        if is_complete(cell):
            continue
        found = cell.folds
        done = 0 if found is None else len(found.values)
        if found is not None and found.outcome is not None:
            reason = found.outcome.reason
        elif run.state == "finished":
            reason = "the time limit was reached."
        else:
            reason = "the run ended before the others."
        yield f"{cell.row.title}: {done} of {run.plan.folds} folds: {reason}"
