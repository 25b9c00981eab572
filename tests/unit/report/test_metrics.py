from __future__ import annotations

import io

import pytest
from msgspec import structs
from rich.console import Console

from envdoctor.model.cell import Metric
from envdoctor.model.run import Run
from envdoctor.report import csv
from envdoctor.report.metrics import metric_tables, show_metrics

METRICS = (
    Metric(name="precision", value=0.91234),
    Metric(name="roc_auc", reason="class 3 does not occur."),
    Metric(name="train_accuracy", value=1.0),
    Metric(name="gap", value=0.0389),
)


@pytest.fixture
def measured(run: Run) -> Run:
    """The first cell of a quality with further measures, the others without."""
    cells = list(run.cells)
    place = next(i for i, cell in enumerate(cells) if cell.quality and not cell.row.twin)
    quality = structs.replace(cells[place].quality, metrics=METRICS)
    cells[place] = structs.replace(cells[place], quality=quality)
    return structs.replace(run, cells=tuple(cells))


def test_a_workload_with_measures_has_a_table(measured: Run) -> None:
    (table,) = metric_tables(measured)
    assert table.headings == ("precision", "ROC AUC", "train acc.", "gap")
    assert [row[1:] for row in table.rows] == [("0.912", "n/a", "1.000", "+0.039")]
    (reason,) = table.reasons
    assert reason.endswith("has no ROC AUC: class 3 does not occur.")


def test_old_run_files_have_no_table(run: Run) -> None:
    assert metric_tables(run) == ()


def test_the_table_says_why_a_value_is_missing(measured: Run) -> None:
    stream = io.StringIO()
    show_metrics(measured, Console(file=stream, width=80))
    assert "further measures" in stream.getvalue()
    assert "class 3 does not occur." in stream.getvalue()


def test_every_measure_has_a_column_in_csv(measured: Run) -> None:
    stream = io.StringIO()
    csv.write(measured, stream)
    line = next(row for row in stream.getvalue().splitlines() if ",0.91234," in row)
    assert line.endswith("0.91234,,,,,,1.0,0.0389")
