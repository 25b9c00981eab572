from __future__ import annotations

import io
import re
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console

from envdoctor.model.folds import Folds
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run
from envdoctor.report import csv, markdown
from envdoctor.report.folds import EXPLANATION, fold_tables, show_folds
from envdoctor.report.html.elements import document
from envdoctor.report.html.folds import section
from envdoctor.report.html.reproduce import commands

VALUES = {
    "numpy": Folds(wanted=3, values=(0.90, 0.95, 1.00)),
    "torch eager": Folds(wanted=3, values=(0.91, 0.96, 1.01)),
    "jax jit": Folds(
        wanted=3, values=(0.90,), outcome=Outcome(status="crashed", reason="it fell over.")
    ),
}
Make = Callable[..., Run]


@pytest.fixture(scope="module")
def make() -> Make:
    """A run whose rows have these folds; a row that is not named has none."""
    made_run = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))["made_run"]

    def make(values: Mapping[str, Folds] = VALUES, folds: int | None = 3, **fields: object) -> Run:
        run = made_run(**fields)
        cells = [
            cell if cell.row.twin else structs.replace(cell, folds=values.get(cell.row.title))
            for cell in run.cells
        ]
        return structs.replace(run, cells=tuple(cells), plan=structs.replace(run.plan, folds=folds))

    return make


def _shown(run: Run, width: int = 80) -> str:
    stream = io.StringIO()
    show_folds(run, Console(file=stream, width=width))
    return stream.getvalue()


def test_mean_spread_and_the_difference_fold_by_fold(make: Make) -> None:
    (table,) = fold_tables(make())
    assert table.heading == "mlp-tiny: 3-fold cross-validation"
    assert table.headings == ("backend", "accuracy %", "spread", "vs numpy", "each fold")
    assert table.rows == (
        ("numpy", "95.0", "5.0", "reference", "90.0 95.0 100.0"),
        ("torch eager", "96.0", "5.0", "+1.0 ±0.0", "91.0 96.0 101.0"),
    )


def test_a_row_without_all_folds_says_why(make: Make) -> None:
    (table,) = fold_tables(make())
    assert table.notes == (
        "torch compile: 0 of 3 folds: the time limit was reached.",
        "jax jit: 1 of 3 folds: it fell over.",
    )


def test_after_an_interruption_the_run_is_what_ended(make: Make) -> None:
    (table,) = fold_tables(make(state="interrupted"))
    assert "torch compile: 0 of 3 folds: the run ended before the others." in table.notes


def test_equal_values_have_digits_and_no_negative_zero(make: Make) -> None:
    equal = {title: Folds(wanted=2, values=(0.5, 0.5)) for title in ("numpy", "torch eager")}
    (table,) = fold_tables(make(equal, 2))
    assert [row[1:4] for row in table.rows] == [
        ("50.00", "0.00", "reference"),
        ("50.00", "0.00", "+0.00 ±0.00"),
    ]
    near = {**VALUES, "torch eager": Folds(wanted=3, values=(0.9, 0.95, 1 - 1e-9))}
    (table,) = fold_tables(make(near))
    assert table.rows[1][3] == "+0.0 ±0.0"


def test_numbers_have_the_digits_of_their_spread(make: Make) -> None:
    numbers = {
        "numpy": Folds(wanted=2, values=(0.5012, 0.5234)),
        "torch eager": Folds(wanted=2, values=(0.5013, 0.5233)),
    }
    run = make(numbers, 2)
    record = structs.replace(run.workloads[0], loss="mean_squared_error")
    (table,) = fold_tables(structs.replace(run, workloads=(record,)))
    assert table.headings[1] == "mean abs. error"
    assert table.rows[0][1:3] == ("0.512", "0.016")
    assert table.rows[1][4] == "0.501 0.523"


def test_a_workload_without_folds_has_a_note_alone(make: Make) -> None:
    run = make({})
    record = structs.replace(run.workloads[0], no_folds="its data are made up.")
    run = structs.replace(run, workloads=(record,))
    (table,) = fold_tables(run)
    assert (table.rows, table.notes) == ((), ("no folds: its data are made up.",))
    assert "standard error" not in _shown(run)


def test_without_the_option_there_is_nothing(make: Make, run: Run) -> None:
    assert fold_tables(run) == ()
    assert _shown(run) == ""
    assert section(run) is None
    assert "--folds" not in " ".join(commands(run))


def test_the_single_values_go_first_where_room_is_short(make: Make) -> None:
    assert "90.0 95.0 100.0" in _shown(make(), 80)
    many = {
        title: Folds(wanted=20, values=tuple(0.9 + number / 250 for number in range(20)))
        for title in VALUES
    }
    text = _shown(make(many, 20), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "each fold" not in text
    assert "reference" in text


def test_the_tables_say_that_a_spread_is_no_error(make: Make) -> None:
    run, stream = make(), io.StringIO()
    markdown.write(run, stream)
    assert "| torch eager | 96.0 | 5.0 | +1.0 ±0.0 | 91.0 96.0 101.0 |" in stream.getvalue()
    assert "- jax jit: 1 of 3 folds: it fell over." in stream.getvalue()
    assert EXPLANATION in stream.getvalue()
    assert EXPLANATION in re.sub(r"\s+", " ", _shown(run))


def test_the_page_has_the_same_table(make: Make) -> None:
    part = section(make())
    assert part is not None
    text = document(part)
    for words in ("3-fold cross-validation", "<td>+1.0 ±0.0</td>", "it fell over.", EXPLANATION):
        assert words in text
    assert "--folds 3" in " ".join(commands(make()))


def test_a_row_with_all_folds_has_their_mean_in_csv(make: Make) -> None:
    found = {values["backend"]: values for values in csv.rows(make())}
    assert found["numpy"]["folds"] == 3
    assert found["numpy"]["fold_mean"] == pytest.approx(0.95)
    assert found["numpy"]["fold_spread"] == pytest.approx(0.05)
    assert "fold_mean" not in found["jax"]
