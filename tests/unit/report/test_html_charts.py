"""What the charts are drawn from; how they look is tested in a browser."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.model.cell import Metric, Row
from envdoctor.model.run import Run
from envdoctor.report.html.charts import Subject, subject
from envdoctor.report.html.further_measures import further_measures
from envdoctor.report.html.learning import losses, progress
from envdoctor.report.html.proof import CLASSES, parity
from envdoctor.report.html.reproduce import commands
from envdoctor.report.html.rounds import rounds
from envdoctor.report.html.speed import break_even, peak_share, start_up, throughput
from envdoctor.report.html.theme import PALETTE, style
from envdoctor.report.html.work import memory, quality
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
    found = _subject(make(noise=0.1, twin_factor=1.3))
    assert found.table.ranking.leader is None
    assert {value["row"] for value in _values(rounds(found))} == {
        "numpy, second copy against the first"
    }


def test_what_a_run_does_not_hold_is_said(make: Make) -> None:
    found = _subject(make())
    missing = ((losses, "losses"), (progress, "during the training"), (peak_share, "peak"))
    for chart, word in missing:
        assert chart(found).spec is None
        assert word in chart(found).absent
    bare = make()
    cells = [structs.replace(c, memory=None, quality=None, certificate=None) for c in bare.cells]
    found = _subject(structs.replace(bare, cells=tuple(cells)))
    for chart in (throughput, start_up, break_even, memory, quality, parity):
        assert chart(found).spec is None, chart
        assert chart(found).absent.endswith(".")


def test_the_loss_is_drawn_over_the_whole_plan(run: Run) -> None:
    found = _subject(run)
    chart = losses(found)
    numpy = [value for value in _values(chart) if value["row"] == "numpy"]
    assert [(value["step"], value["loss"]) for value in numpy] == [
        (1, 2.31),
        (220, 0.4),
        (440, 0.1),
    ]
    assert "whole curve" not in chart.caption


def test_of_a_row_without_a_history_the_first_losses_are_drawn(run: Run) -> None:
    cells = tuple(structs.replace(cell, history=()) for cell in run.cells)
    chart = losses(_subject(structs.replace(run, cells=cells)))
    numpy = [value["loss"] for value in _values(chart) if value["row"] == "numpy"]
    assert numpy == [2.31, 2.25, 2.19]
    assert "first timed steps, not the whole curve" in chart.caption
    mixed = (run.cells[0], *cells[1:])
    values = _values(losses(_subject(structs.replace(run, cells=mixed))))
    assert max(value["step"] for value in values if value["row"] == "numpy") == 440
    assert max(value["step"] for value in values if value["row"] != "numpy") == 3


def test_results_stand_over_the_seconds_of_training_with_what_is_required(run: Run) -> None:
    chart = progress(_subject(run))
    numpy = [value for value in _values(chart) if value["row"] == "numpy"]
    assert [(value["seconds"], value["value"]) for value in numpy] == [(0.31, 90.0), (0.61, 96.11)]
    assert numpy[0]["tip"] == "numpy 2.4.0: 90.0 % after 310 ms, 220 steps"
    assert chart.spec["layer"][-1]["data"]["values"][0]["gate"] == 94
    assert "dashed line" in chart.caption


def test_an_error_is_shown_as_it_is_and_needs_no_gate(run: Run) -> None:
    chart = progress(_subject(run, 2))
    assert [value["value"] for value in _values(chart)] == [0.9, 0.9611]
    assert [layer["name"] for layer in chart.spec["layer"]] == ["lines", "values"]
    assert "dashed" not in chart.caption


def test_one_result_at_the_end_makes_no_curve(run: Run) -> None:
    cells = tuple(structs.replace(cell, history=cell.history[-1:]) for cell in run.cells)
    assert progress(_subject(structs.replace(run, cells=cells))).spec is None


def _with_measures(run: Run, *metrics: Metric) -> Run:
    """The run with these measures in each cell of a quality."""
    cells = [
        structs.replace(cell, quality=structs.replace(cell.quality, metrics=metrics))
        if cell.quality
        else cell
        for cell in run.cells
    ]
    return structs.replace(run, cells=tuple(cells))


def test_further_measures_have_a_table_under_a_heading(run: Run) -> None:
    missing = Metric(name="gap", reason="<b>it</b> is not there.")
    told = _with_measures(run, Metric(name="r2", value=0.51), missing)
    parts = list(further_measures(told, tables(told)[2]))
    assert [part.tag for part in parts] == ["h4", "p", "div", "ul"]
    assert [each.text for each in parts[2].iter("th")] == ["backend", "R2", "gap"]
    assert [each.text for each in parts[2].iter("td")] == ["numpy", "0.510", "n/a"]
    assert parts[3][0].text == "numpy has no gap: <b>it</b> is not there."
    assert list(further_measures(run, tables(run)[2])) == []


def test_further_measures_stand_in_the_order_of_the_results(run: Run) -> None:
    told = _with_measures(run, Metric(name="f1", value=0.5))
    results = tables(told)[0]
    _, _, table = further_measures(told, results)
    names = [each.text for each in table.iter("td")][::2]
    fast = [line.cell.row.title for line in results.lines]
    assert names == [*fast, "torch compile"]  # whose quality is known, and whose work is other


def test_rows_of_another_precision_have_a_table_of_their_own(run: Run) -> None:
    told = _with_measures(run, Metric(name="f1", value=0.5))
    half = structs.replace(told.cells[1], row=structs.replace(told.cells[1].row, precision="bf16"))
    told = structs.replace(told, cells=(*told.cells, half))
    found = {table.precision: table for table in tables(told) if table.workload.name == "mlp-tiny"}
    _, _, alone = further_measures(told, found["bf16"])
    assert [each.text for each in alone.iter("td")] == ["torch eager bf16", "0.500"]
    _, _, others = further_measures(told, found["fp32"])
    assert "torch eager bf16" not in [each.text for each in others.iter("td")]


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
    assert bench.endswith(
        "--backend numpy --backend 'torch;' --mode numpy --mode rm --threads 2 --seed 0"
    )
    rows = tuple(structs.replace(row, precision="bf16") for row in run.plan.rows)
    plan = structs.replace(run.plan, rows=(*run.plan.rows, *rows))
    *_, bench = commands(structs.replace(run, plan=plan))
    assert " --precision fp32 --precision bf16 " in bench


def test_both_schemes_have_all_colours() -> None:
    text = style()
    assert all(text.count(f"--{name}: ") == 3 for name in PALETTE)  # light, dark and paper
