"""How a row's training went, as curves of named scalars and as lines of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.cell import Cell
    from envdoctor.model.run import Run

COLUMNS = (
    "run",
    "workload",
    "backend",
    "mode",
    "precision",
    "device",
    "interpreter",
    "version",
    "comparable",
    "step",
    "training_seconds",
    "loss",
    "metric",
    "test_value",
    "test_loss",
)


@dataclass(frozen=True)
class CurvePoint:
    """A point of one curve."""

    name: str
    """`train/loss`, `test/loss`, or `test/` and the metric of the quality."""
    step: int
    training_seconds: float
    value: float


def curves(cell: Cell) -> Iterator[CurvePoint]:
    """The curves of a cell, step by step; none where its run kept no history."""
    metric = cell.quality.metric if cell.quality else ""
    for at in cell.history:
        values = {
            "train/loss": at.loss,
            f"test/{metric}": at.test_value if metric else None,
            "test/loss": at.test_loss,
        }
        for name, value in values.items():
            if value is not None:
                yield CurvePoint(name, at.step, at.training_seconds, value)


def history(run: Run) -> Iterator[dict[str, Any]]:
    """A line for each point of each cell's training; the keys are those of `COLUMNS`."""
    for cell in run.cells:
        row = msgspec.to_builtins(cell.row)
        shared = {
            "run": run.id,
            "workload": cell.workload,
            **{key: value for key, value in row.items() if key in COLUMNS},
            "version": cell.version,
            "comparable": cell.comparable,
            "metric": cell.quality.metric if cell.quality else None,
        }
        for at in cell.history:
            yield {**shared, **msgspec.to_builtins(at)}
