from __future__ import annotations

import pytest
from msgspec import structs

from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Cell, Run
from envdoctor.report import table


def _only(run: Run, cell: Cell) -> table.Table:
    (found,) = table.tables(structs.replace(run, cells=(cell,)))
    return found


def test_a_table_for_each_workload_with_a_cell(run: Run) -> None:
    names = [found.workload.name for found in table.tables(run)]
    assert names == ["mlp-tiny", "transformer-tiny", "houses"]
    assert _only(run, run.cells[0]).workload.name == "mlp-tiny"


def test_every_cell_is_a_line_or_a_note(run: Run) -> None:
    for found in table.tables(run):
        cells = [cell for cell in run.cells if cell.workload == found.workload.name]
        assert len(found.lines) + len(found.notes) == len(cells)


@pytest.mark.parametrize("status", sorted(table.STATUS_WORDS))
def test_an_ending_is_told_in_words(status: str, run: Run) -> None:
    outcome = Outcome(status=status, reason="so it is.", hint="Do this.")
    found = _only(run, structs.replace(run.cells[0], outcome=outcome))
    assert found.lines == ()
    (note,) = found.notes
    assert note.reason == f"{table.STATUS_WORDS[status]}: so it is."
    assert note.hint == "Do this."
    assert "_" not in table.STATUS_WORDS[status]


def test_a_difference_is_told_with_its_cause(run: Run) -> None:
    (note,) = [n for n in table.tables(run)[0].notes if "compile" in n.title]
    assert note.reason == (
        "not the same work, speed withheld: the gradient of dense_2.bias differs by 4.5e-02."
    )
    assert note.hint == "Likely cause: the bias of dense_2 is not trained."


def test_the_title_has_the_version_of_the_framework(run: Run) -> None:
    titles = [table.title(cell) for cell in run.cells[:2]]
    assert titles == ["numpy 2.4.0", "torch 2.13.0 eager"]


def test_the_version_of_numpy_is_not_taken_for_that_of_a_framework(run: Run) -> None:
    # A framework that was built from source may have no distribution.
    cell = structs.replace(run.cells[1], version="")
    assert table.title(cell) == "torch eager"


def test_speed_is_derived_from_the_blocks(run: Run) -> None:
    line = _only(run, run.cells[1]).lines[0]
    assert line.step.seconds == pytest.approx(155e-6)
    assert line.samples_per_second == pytest.approx(64 / 155e-6)
    assert line.warmup_debt_seconds == pytest.approx(399 * 155e-6)
    assert line.tokens_per_second is None


def test_a_missed_quality_is_seen(run: Run) -> None:
    assert [cell.row.backend for cell in run.cells if table.missed(cell)] == ["jax"]
    assert "missed" in table.quality_column(run.cells[4])
    assert "missed" not in table.quality_column(run.cells[0])


def test_memory_that_is_not_known_is_not_zero(run: Run) -> None:
    assert table.memory_column(run.cells[4]) == "n/a"
    assert table.memory_column(run.cells[0]) == "312 + 12 MB"
