"""What the charts are drawn from; how they look is tested in a browser."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.model.cell import Row
from envdoctor.model.run import Run
from envdoctor.report.html.charts import Subject, subject
from envdoctor.report.html.proof import CLASSES, parity
from envdoctor.report.html.reproduce import commands
from envdoctor.report.html.rounds import rounds
from envdoctor.report.html.speed import break_even, peak_share, start_up, throughput
from envdoctor.report.html.theme import PALETTE, style
from envdoctor.report.html.work import losses, memory, quality
from envdoctor.report.table import tables
from envdoctor.statistics.costs import costs

Make = Callable[..., Run]


@pytest.fixture(scope="module")
def make() -> Make:
    return runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))["made_run"]


def _subject(run: Run, place: int = 0) -> Subject:
    return subject(run, tables(run)[place])


def _values(chart: Any) -> list[dict[str, Any]]:
    assert chart.spec is not None, chart.absent
    return chart.spec["data"]["values"]


def test_rows_stand_in_the_order_of_the_table(make: Make) -> None:
    found = _subject(make())
    assert [value["row"] for value in _values(throughput(found))] == [
        "jax jit",
        "numpy",
        "torch compile",
        "torch eager",
    ]


def test_the_interval_of_a_speed_holds_it(run: Run) -> None:
    for value in _values(throughput(_subject(run))):
        assert value["low"] <= value["rate"] <= value["high"]


def test_the_parts_of_a_start_add_up_to_what_the_statistics_say(make: Make) -> None:
    run = make()
    values = _values(start_up(_subject(run)))
    numpy = [value["seconds"] for value in values if value["row"] == "numpy"]
    found = costs(run, run.cells[0])
    assert found is not None
    assert sum(numpy) == pytest.approx(found.setup_seconds)


def test_a_dot_stands_where_the_fastest_row_catches_up(run: Run) -> None:
    chart = break_even(_subject(run, 1))
    assert chart.spec is not None
    assert chart.spec["layer"][1]["data"]["values"] == []
    assert "No row makes up here" in chart.caption


def test_rounds_are_those_that_count_and_lie_around_zero(make: Make) -> None:
    values = _values(rounds(_subject(make())))
    assert len(values) == 4 * 36  # three rows against the fastest, and the twin
    for name in {value["row"] for value in values}:
        own = sorted(value["percent"] for value in values if value["row"] == name)
        assert own[0] < 0 < own[-1]


def test_a_machine_too_noisy_to_rank_still_shows_its_noise(make: Make) -> None:
    found = _subject(make(noise=0.4))
    assert found.table.ranking.leader is None
    assert {value["row"] for value in _values(rounds(found))} == {
        "numpy, second copy against the first"
    }


def test_what_a_run_does_not_hold_is_said(make: Make) -> None:
    found = _subject(make())
    for chart, word in ((losses, "losses"), (peak_share, "peak")):
        assert chart(found).spec is None
        assert word in chart(found).absent
    bare = make()
    cells = [structs.replace(c, memory=None, quality=None, certificate=None) for c in bare.cells]
    found = _subject(structs.replace(bare, cells=tuple(cells)))
    for chart in (throughput, start_up, break_even, memory, quality, parity):
        assert chart(found).spec is None, chart
        assert chart(found).absent.endswith(".")


def test_a_row_without_a_speed_is_in_the_proof(run: Run) -> None:
    values = _values(parity(_subject(run)))
    other = [value for value in values if value["row"] == "torch compile"]
    assert [value["kind"] for value in other] == ["outputs", "gradients", "trajectory", "as timed"]
    assert other[1]["class"] == CLASSES[-1][0]
    assert other[2]["class"] == "not compared"
    assert "not the same work" in other[0]["tip"]


def test_a_difference_that_is_no_number_is_in_the_worst_class(make: Make) -> None:
    run = make()
    cell = run.cells[0]
    assert cell.certificate is not None
    broken = structs.replace(
        cell, certificate=structs.replace(cell.certificate, output_error=float("inf"))
    )
    values = _values(parity(_subject(structs.replace(run, cells=(broken, *run.cells[1:])))))
    assert {v["class"] for v in values if v["error"] == "inf"} == {CLASSES[-1][0]}


def test_rows_of_one_name_are_numbered(make: Make) -> None:
    run = make({"numpy": 4e-4, "torch a": 1e-3})
    twins = [structs.replace(c, row=Row(backend="torch a", mode="torch a")) for c in run.cells]
    more = structs.replace(run, cells=(*run.cells, twins[1]))
    assert len(set(_subject(more).names.values())) == len(_subject(more).names)


def test_the_commands_to_do_it_again_can_be_pasted(make: Make) -> None:
    run = make({"numpy": 4e-4, "torch; rm": 1e-3}, versions={"torch;": "2.0+cpu"})
    *_, install, bench = commands(run)
    assert "'torch;==2.0'" in install
    assert bench.endswith("--backend numpy --backend 'torch;' --threads 2 --seed 0")


def test_both_schemes_have_all_colours() -> None:
    text = style()
    assert all(text.count(f"--{name}: ") == 3 for name in PALETTE)  # light, dark and paper
