"""One row on one workload as parameters and metrics, for tools that track experiments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.report import csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.cell import Cell
    from envdoctor.model.run import Run

PARAMETERS = (
    "workload",
    "backend",
    "mode",
    "version",
    "precision",
    "device",
    "threads",
    "batch",
    "status",
    "verdict",
)
METRICS = (
    "step_seconds",
    "samples_per_second",
    "tokens_per_second",
    "ratio_to_fastest",
    "warmup_debt_seconds",
    "import_seconds",
    "build_seconds",
    "first_step_seconds",
    "training_seconds",
    "footprint_bytes",
    "working_set_bytes",
    "gradient_error",
    "joules_per_sample",
    "metric_value",
)
"""Columns of the CSV file; `metric_value` takes the name of the metric."""


@dataclass(frozen=True)
class Measures:
    """What a tracker shows of a row."""

    cell: Cell
    parameters: dict[str, str | float]
    metrics: dict[str, float]


def measures(run: Run) -> Iterator[Measures]:
    """Every cell but the twins; a metric without a number is left out."""
    shown = {record.name for record in run.workloads}
    cells = (cell for cell in run.cells if cell.workload in shown and not cell.row.twin)
    for cell, values in zip(cells, csv.rows(run), strict=True):
        known = {name: value for name, value in values.items() if value not in {None, ""}}
        yield Measures(
            cell,
            {name: known[name] for name in PARAMETERS if name in known},
            {
                known["metric"] if name == "metric_value" else name: float(known[name])
                for name in METRICS
                if name in known
            },
        )
