"""The measures of quality beside the gate's: a small table for each workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from envdoctor.report import numbers
from envdoctor.report.grid import Column, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from envdoctor.model.cell import Cell, Metric
    from envdoctor.model.run import Run

SHARES = {"precision", "recall", "f1", "roc_auc", "train_accuracy", "r2"}
"""Shown with three decimals; the others with three digits."""
HEADINGS = {
    "roc_auc": "ROC AUC",
    "f1": "F1",
    "r2": "R2",
    "train_accuracy": "train acc.",
    "train_mean_absolute_error": "train mean abs. error",
}
UNDEFINED = "n/a"


@dataclass(frozen=True)
class MetricTable:
    """The measures of one workload."""

    workload: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The title of a row, and a text for each heading."""
    reasons: tuple[str, ...]
    """Why a measure has no value."""


def metric_tables(run: Run) -> tuple[MetricTable, ...]:
    """A table for each workload that has measures."""
    found = (metric_table(name, _cells(run, name)) for name in run.plan.workloads)
    return tuple(table for table in found if table.rows)


def metric_table(workload: str, cells: Sequence[Cell]) -> MetricTable:
    """The table of some rows of a workload; without rows if none has measures."""
    measured = [(cell, cell.quality.metrics) for cell in cells if cell.quality is not None]
    names = tuple(dict.fromkeys(each.name for _, metrics in measured for each in metrics))
    rows, reasons = [], []
    for cell, metrics in measured:
        if not metrics:
            continue
        by_name = {each.name: each for each in metrics}
        rows.append((cell.row.title, *(_text(by_name.get(name)) for name in names)))
        reasons += [
            f"{cell.row.title} has no {_heading(each.name)}: {each.reason}"
            for each in metrics
            if each.value is None
        ]
    return MetricTable(workload, tuple(map(_heading, names)), tuple(rows), tuple(reasons))


def show_metrics(run: Run, console: Console) -> None:
    """Print the tables, and why a measure has no value."""
    for table in metric_tables(run):
        console.print(Text(f"{table.workload}: further measures", style="bold"))
        columns = [Column("backend", [row[0] for row in table.rows], left=True)]
        columns += [
            Column(heading, [row[place] for row in table.rows])
            for place, heading in enumerate(table.headings, start=1)
        ]
        console.print(draw(columns, console.width))
        for reason in table.reasons:
            console.print(Text(f"  {reason}"))
        console.print()


def _cells(run: Run, workload: str) -> list[Cell]:
    return [cell for cell in run.cells if cell.workload == workload and not cell.row.twin]


def _heading(name: str) -> str:
    return HEADINGS.get(name, name)


def _text(metric: Metric | None) -> str:
    if metric is None:
        return ""
    if metric.value is None:
        return UNDEFINED
    if metric.name == "gap":
        return f"{metric.value:+.3f}"
    return f"{metric.value:.3f}" if metric.name in SHARES else numbers.significant(metric.value)
