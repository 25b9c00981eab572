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
        (cell.workload, cell.row.backend, cell.row.mode) for cell in run.cells if not cell.row.twin
    ]


def test_a_twin_has_no_line_whatever_became_of_it(run: Run) -> None:
    twins = [cell for cell in run.cells if cell.row.twin]
    ended = Outcome(status="crashed", reason="killed by SIGKILL.")
    broken = [structs.replace(cell, outcome=ended, certificate=None) for cell in twins]
    assert twins
    assert _rows(structs.replace(run, cells=tuple(twins))) == []
    assert _rows(structs.replace(run, cells=tuple(broken))) == []


SPEEDS = [
    name
    for name in csv.COLUMNS
    if "per_second" in name or name.startswith(("step_", "ratio_", "rank", "verdict"))
]


def test_place_and_ratio_are_those_of_the_ranking(run: Run) -> None:
    rows = {row["mode"]: row for row in _rows(run) if row["workload"] == "transformer-tiny"}
    assert [(rows[mode]["rank"], rows[mode]["verdict"]) for mode in rows] == [
        ("1", "fastest"),
        ("1", "tie"),
        ("1", "leans slower"),
        ("1", "inconclusive"),
        ("", ""),
        ("5", "slower"),
    ]
    slow = rows["numpy"]
    low, ratio, high = (float(slow[f"ratio_{end}"]) for end in ("low", "to_fastest", "high"))
    assert low < ratio < high
    assert ratio == pytest.approx(215 / 42.1, rel=0.01)
    assert rows["eager"]["ratio_to_fastest"] == ""


def test_a_repeated_round_counts_once(run: Run) -> None:
    assert {row["blocks"] for row in _rows(run) if row["step_seconds"]} == {"16"}


def test_what_the_training_plan_took_is_told(run: Run) -> None:
    assert _rows(run)[0]["training_seconds"] == "0.61"


def test_a_row_without_a_proof_has_no_speed(run: Run) -> None:
    (row,) = [row for row in _rows(run) if row["status"] == "different"]
    assert row["mode"] == "compile"
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
    assert len(_rows(structs.replace(run, workloads=run.workloads[:1]))) == 6


def test_speed_is_told_in_base_units(run: Run) -> None:
    (row,) = [row for row in _rows(run) if row["workload"] == "transformer-tiny"][:1]
    step = float(row["step_seconds"])
    assert step == pytest.approx(0.0421)
    assert float(row["samples_per_second"]) == pytest.approx(16 / step)
    assert float(row["tokens_per_second"]) == pytest.approx(16 * 64 / step)
    assert float(row["step_low_seconds"]) < step < float(row["step_high_seconds"])
