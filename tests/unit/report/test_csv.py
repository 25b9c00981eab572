from __future__ import annotations

import csv as reader
import io
from collections.abc import Callable

import pytest
from msgspec import structs

from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run
from envdoctor.report import csv


def _rows(run: Run) -> list[dict[str, str]]:
    stream = io.StringIO()
    csv.write(run, stream)
    stream.seek(0)
    return list(reader.DictReader(stream))


def test_one_line_a_cell(run: Run, golden: Callable[[str, str], None]) -> None:
    stream = io.StringIO()
    csv.write(run, stream)
    golden("run.csv", stream.getvalue())
    assert [(row["workload"], row["backend"], row["mode"]) for row in _rows(run)] == [
        (cell.workload, cell.row.backend, cell.row.mode) for cell in run.cells
    ]


SPEEDS = [name for name in csv.COLUMNS if "per_second" in name or name.startswith("step_")]


def test_a_row_without_a_proof_has_no_speed(run: Run) -> None:
    (row,) = [row for row in _rows(run) if row["mode"] == "compile"]
    assert row["same_work"] == "False"
    assert row["reason"] == "the gradient of dense_2.bias differs by 4.5e-02."
    assert [row[name] for name in SPEEDS] == [""] * len(SPEEDS)


def test_a_row_that_did_not_end_well_has_no_speed(run: Run) -> None:
    ended = Outcome(status="crashed", reason="killed by SIGKILL.")
    cell = structs.replace(run.cells[0], outcome=ended)
    (row,) = _rows(structs.replace(run, cells=(cell,)))
    assert [row[name] for name in SPEEDS] == [""] * len(SPEEDS)
    assert row["reason"] == "killed by SIGKILL."


def test_the_version_is_that_of_the_framework(run: Run) -> None:
    assert [row["version"] for row in _rows(run)][:2] == ["2.4.0", "2.13.0"]
    cell = structs.replace(run.cells[1], version="")
    assert _rows(structs.replace(run, cells=(cell,)))[0]["version"] == ""


def test_a_cell_of_a_workload_that_is_not_described_does_no_harm(run: Run) -> None:
    assert len(_rows(structs.replace(run, workloads=run.workloads[:1]))) in {6, len(run.cells)}


def test_speed_is_told_in_base_units(run: Run) -> None:
    (row,) = [row for row in _rows(run) if row["workload"] == "transformer-tiny"][:1]
    step = float(row["step_seconds"])
    assert step == pytest.approx(0.0421)
    assert float(row["samples_per_second"]) == pytest.approx(16 / step)
    assert float(row["tokens_per_second"]) == pytest.approx(16 * 64 / step)
    assert float(row["step_low_seconds"]) < step < float(row["step_high_seconds"])
