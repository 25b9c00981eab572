from __future__ import annotations

import pytest
from msgspec import structs

from envdoctor.model.cell import Cell
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run
from envdoctor.report import table
from envdoctor.report.sentences import TO


def _only(run: Run, cell: Cell) -> table.Table:
    (found,) = table.tables(structs.replace(run, cells=(cell,)))
    return found


def test_a_table_for_each_workload_with_a_cell(run: Run) -> None:
    names = [found.workload.name for found in table.tables(run)]
    assert names == ["mlp-tiny", "transformer-tiny", "houses"]
    assert _only(run, run.cells[0]).workload.name == "mlp-tiny"


def test_every_cell_is_a_line_or_a_note(run: Run) -> None:
    for found in table.tables(run):
        cells = [
            cell for cell in run.cells if cell.workload == found.workload.name and not cell.row.twin
        ]
        assert len(found.lines) + len(found.notes) == len(cells)


def test_a_twin_is_neither_line_nor_note(run: Run) -> None:
    (twin, *_) = [cell for cell in run.cells if cell.row.twin]
    crashed = structs.replace(twin, outcome=Outcome(status="crashed", reason="so."))
    for cells in ((run.cells[0], twin), (run.cells[0], crashed)):
        found = table.tables(structs.replace(run, cells=cells))[0]
        assert [line.cell for line in found.lines] == [run.cells[0]]
        assert found.notes == ()


def test_how_it_was_measured_counts_kept_rounds_only(run: Run) -> None:
    found = table.tables(run)[0]
    assert found.effort == "2 launches, 16 rounds · noise grade A (A/A ±0.8 %)"
    one = tuple(turn for turn in run.rounds if turn.launch == 0 and turn.round == 0)
    (alone, *_) = table.tables(structs.replace(run, rounds=one))
    assert alone.effort == "1 launch, 1 round"
    (none, *_) = table.tables(structs.replace(run, rounds=()))
    assert none.effort == ""


def _columns(run: Run, name: str) -> list[tuple[str, ...]]:
    """Rank, ratio with its interval, and verdict of each line."""
    (found,) = [found for found in table.tables(run) if found.workload.name == name]
    return [
        (
            table.rank_column(line),
            *table.ratio_columns(line, found.ranking),
            table.verdict_column(line),
        )
        for line in found.lines
    ]


def test_the_columns_tell_the_verdicts(run: Run) -> None:
    assert _columns(run, "transformer-tiny") == [
        ("1", "fastest", "", ""),
        ("=1", "1.00x", f"0.99{TO}1.01", "tie"),
        ("~1", "1.03x", f"1.02{TO}1.04", "leans slower"),
        ("?1", "1.0x", f"0.95{TO}1.11", "not clear"),
        ("5", "5.11x", f"5.05{TO}5.17", "slower"),
    ]


def test_without_a_ranking_no_column_tells_an_order(run: Run) -> None:
    apart = structs.replace(run, plan=structs.replace(run.plan, interleaved=False))
    assert set(_columns(apart, "transformer-tiny")) == {("", "", "", "")}
    assert any("side by side" in remark for remark in table.tables(apart)[1].remarks)


def test_a_warm_up_with_warm_caches_is_called_that(run: Run) -> None:
    cell = run.cells[4]
    assert table.warmup_column(_only(run, cell).lines[0]) == "40.3 ms"
    launches = (structs.replace(cell.launches[0], caches="warm"), *cell.launches[1:])
    warm = structs.replace(cell, launches=launches)
    assert table.warmup_column(_only(run, warm).lines[0]) == "40.3 ms warm"
    # Where nothing is compiled, caches are neither warm nor cold.
    plain = structs.replace(warm, launches=(structs.replace(launches[0], compilations=None),))
    assert table.warmup_column(_only(run, plain).lines[0]) == "40.3 ms"


def test_what_is_kept_from_an_earlier_run_has_its_date(run: Run) -> None:
    assert not any("kept from" in line for line in table.footnotes(run))
    cell = run.cells[0]
    proven = structs.replace(cell.certificate, proven_at="2025-12-24T01:02:03+00:00")
    kept = structs.replace(cell, certificate=proven)
    found = " ".join(table.footnotes(structs.replace(run, cells=(kept,))))
    assert "of all rows are kept from 2025-12-24" in found
    assert "--fresh" in found
    some = " ".join(table.footnotes(structs.replace(run, cells=(kept, run.cells[1]))))
    assert "of some rows are kept" in some


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
