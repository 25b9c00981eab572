from __future__ import annotations

import csv
import io
import json
import re
import runpy
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console

from envdoctor.model.comparison import Comparison, Finding, Measured, Pair, Ratio
from envdoctor.model.outcome import Outcome
from envdoctor.report.comparison import finding_lines, footnotes, tables, times
from envdoctor.report.comparison_formats import COLUMNS, WRITERS, show_comparison
from envdoctor.statistics.conditions import parse
from envdoctor.statistics.findings import evaluate, evaluate_between
from envdoctor.statistics.runs import compare_runs

made = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))
made_run, STEP_SECONDS, row_of = made["made_run"], made["STEP_SECONDS"], made["row_of"]
CRASHED = Outcome(status="crashed", reason="killed by SIGSEGV after [bold]step[/bold] | 3.")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """One of each: slower, equal, crashed, only on one side, and a workload that differs."""
    workloads = ("mlp-tiny", "cnn-tiny")
    before = made_run(seed=1, workloads=workloads)
    after = made_run(
        {**STEP_SECONDS, "torch eager": 1.1e-3, "mxnet": 1e-3},
        seed=2,
        workloads=workloads,
        versions={"torch": "2.0"},
        pace=1.06,
    )
    cells = tuple(
        structs.replace(cell, outcome=CRASHED) if cell.row.mode == "jit" else cell
        for cell in after.cells
    )
    other = structs.replace(after.workloads[1], weights_sha256="f" * 64)
    after = structs.replace(after, cells=cells, workloads=(after.workloads[0], other))
    found = compare_runs(before, after)
    return structs.replace(
        found,
        findings=(
            evaluate_between(parse("torch eager: B > 1.05x A on mlp-tiny"), found),
            evaluate(parse("numpy > 1x torch compile on mlp-tiny"), after),
            evaluate_between(parse("jax: B > 1.05x A on mlp-tiny"), found),
        ),
    )


def _shown(comparison: Comparison, width: int = 120, **options: object) -> str:
    stream = io.StringIO()
    show_comparison(comparison, Console(file=stream, width=width, **options))
    return stream.getvalue()


def _written(comparison: Comparison, name: str) -> str:
    stream = io.StringIO()
    WRITERS[name](comparison, stream)
    return stream.getvalue()


def _line(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_a_compared_row_shows_its_ratio_interval_and_verdict(comparison: Comparison) -> None:
    line = _line(_shown(comparison), "torch eager ")
    assert re.search(r" 1\.1\dx +1\.0\d.1\.1\d +slower +210 -> 210 MB", line), line
    assert re.search(r"= 1\.0\dx +.*tie", _line(_shown(comparison), "torch compile "))
    assert "reference" in _line(_shown(comparison), "numpy ")


def test_the_heading_says_which_ratio_is_shown(comparison: Comparison) -> None:
    assert "mlp-tiny · each row over numpy of its own run" in _shown(comparison)
    absolute = compare_runs(made_run(seed=1), made_run(seed=2), absolute=True)
    assert "mlp-tiny · step times as they are" in _shown(absolute)


def test_rows_that_are_not_compared_say_why_together(comparison: Comparison) -> None:
    words = re.sub(r"\s+", " ", _shown(comparison))
    assert "mxnet: only in B." in words
    assert (
        "jax jit: no speed: in B crashed: killed by SIGSEGV after [bold]step[/bold] | 3." in words
    )
    assert (
        "numpy, torch eager, torch compile, jax jit: not comparable: initial weights: "
        "222222222222 in A, ffffffffffff in B." in words
    )
    assert "changed: torch 1.0 -> 2.0 (torch eager, torch compile)" in words


def test_the_pace_of_the_machine_is_told_where_it_matters(comparison: Comparison) -> None:
    assert any("took 1.06x as long in B" in line for line in footnotes(comparison))
    calm = compare_runs(made_run(seed=1), made_run(seed=2))
    assert not any("pace" in line for line in footnotes(calm))


def test_conditions_come_last_with_every_ratio(comparison: Comparison) -> None:
    lines = re.sub(r"\s+", " ", _shown(comparison, 300))
    assert (
        "failed: torch eager: B > 1.05x A on mlp-tiny failed on mlp-tiny: torch eager over numpy takes"
        in lines
    )
    assert "passed: numpy > 1x torch compile on mlp-tiny passed on mlp-tiny: numpy takes" in lines
    assert "cannot be told on mlp-tiny: jax jit: no speed: in B crashed: killed" in lines


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_number_is_cut_and_no_line_is_too_long(width: int, comparison: Comparison) -> None:
    text = _shown(comparison, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert re.search(r"torch eager .*1\.1\dx +1\.0\d.1\.1\d +slower", text)


def test_colour_is_only_for_terminals(comparison: Comparison) -> None:
    assert "\x1b" not in _shown(comparison)
    assert "\x1b[" in _shown(comparison, force_terminal=True, color_system="standard")


def test_markdown_holds_the_same_and_no_foreign_markup(comparison: Comparison) -> None:
    text = _written(comparison, "markdown")
    assert re.search(r"^\| torch eager \| .*slower", text, re.MULTILINE)
    assert "\\[bold\\]step\\[/bold\\] \\| 3." in text
    assert "**failed: torch eager: B \\> 1.05x A on mlp-tiny**" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1, table


def test_json_is_the_whole_record(comparison: Comparison) -> None:
    found = json.loads(_written(comparison, "json"))
    assert [finding["result"] for finding in found["findings"]] == [
        "failed",
        "passed",
        "cannot be told",
    ]
    assert len(found["pairs"]) == len(comparison.pairs)
    pair = next(p for p in found["pairs"] if p["row"]["mode"] == "eager")
    assert pair["ratio"]["low"] < pair["ratio"]["ratio"] < pair["ratio"]["high"]


def test_csv_has_one_line_a_row_in_base_units(comparison: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(_written(comparison, "csv"))))
    assert len(rows) == len(comparison.pairs)
    assert tuple(rows[0]) == COLUMNS
    first = next(row for row in rows if row["mode"] == "eager")
    assert first["status"] == "compared"
    assert float(first["a_step_seconds"]) == pytest.approx(1e-3, rel=0.03)
    assert float(first["low"]) < 1.1 < float(first["high"])
    (crashed,) = [row for row in rows if row["status"] == "no speed"]
    assert (crashed["ratio"], crashed["b_step_seconds"]) == ("", "")
    differing = next(row for row in rows if row["status"] == "not comparable")
    assert differing["reason"].startswith("initial weights: ")


def test_too_few_rounds_show_no_ratio() -> None:
    few = [made_run(seed=seed, launches=1, rounds=2, twin=None) for seed in (1, 2)]
    (table,) = tables(compare_runs(*few))
    assert {(line.ratio, line.interval) for line in table.lines} >= {
        ("n/a", "too few rounds for an interval")
    }


def _pair(a: Measured, b: Measured) -> Pair:
    ratio = Ratio(ratio=1.0, low=0.99, high=1.01)
    return Pair(
        workload="w",
        row=row_of("numpy"),
        status="compared",
        a=a,
        b=b,
        ratio=ratio,
        verdict="tie",
    )


def _only_line(comparison: Comparison, a: Measured, b: Measured):
    ((line,),) = [
        table.lines for table in tables(structs.replace(comparison, pairs=(_pair(a, b),)))
    ]
    return line


def test_what_was_not_measured_is_not_made_up(comparison: Comparison) -> None:
    line = _only_line(comparison, Measured(step_seconds=1e-3), Measured(step_seconds=1e-3))
    assert (line.memory, line.quality, line.warmup) == ("n/a", "", "n/a -> n/a")
    partly = Measured(step_seconds=1e-3, footprint_bytes=10**8, working_set_bytes=10**7)
    line = _only_line(comparison, Measured(step_seconds=1e-3), partly)
    assert line.memory == "n/a -> 110 MB"


def test_quality_is_a_difference_with_its_error(comparison: Comparison) -> None:
    def measured(metric: str, value: float) -> Measured:
        return Measured(step_seconds=1e-3, metric=metric, value=value, standard_error=0.01)

    line = _only_line(comparison, measured("accuracy", 0.96), measured("accuracy", 0.94))
    assert line.quality == "-2.0 ±1.4 points"
    metric = "mean_absolute_error"
    line = _only_line(comparison, measured(metric, 0.5), measured(metric, 0.75))
    assert line.quality == "+0.250 ±0.014"
    assert _only_line(comparison, measured("accuracy", 1), measured(metric, 1)).quality == ""


def test_other_caches_are_told_beside_the_warm_up(comparison: Comparison) -> None:
    a = Measured(step_seconds=1e-3, warmup_debt_seconds=2.0, caches="cold")
    b = Measured(step_seconds=1e-3, warmup_debt_seconds=0.5, caches="warm")
    assert _only_line(comparison, a, b).warmup == "2.00 s cold -> 500 ms warm"
    assert _only_line(comparison, a, a).warmup == "2.00 s -> 2.00 s"


def test_ratios_keep_digits_that_matter() -> None:
    assert [times(r) for r in (1.046, 0.5, 12.34, 0.0123)] == ["1.05x", "0.50x", "12.3x", "0.0123x"]


def test_a_condition_with_nothing_to_check_says_why() -> None:
    finding = Finding(
        condition="a > 1x b", factor=1.0, result="cannot be told", reason="a is not installed."
    )
    assert finding_lines(finding) == ("cannot be told: a > 1x b (a is not installed)",)


def test_a_comparison_of_nothing_is_shown(comparison: Comparison) -> None:
    empty = structs.replace(comparison, pairs=(), paces=(), findings=())
    assert _shown(empty).startswith("A is run made-1")
    for name in WRITERS:
        assert _written(empty, name)


def test_of_a_noisy_machine_nothing_is_said_to_be_a_tie() -> None:
    rough = compare_runs(made_run(seed=1, noise=0.1), made_run(seed=2, noise=0.1))
    assert "tie" not in _shown(rough)
    assert "Both runs were noisy on mlp-tiny (grade D)" in _shown(rough)
    assert "is a tie" in _shown(compare_runs(made_run(seed=1), made_run(seed=2, noise=0.02)))
