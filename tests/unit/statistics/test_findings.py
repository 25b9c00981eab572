from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from msgspec import structs

from envdoctor.errors import InputError
from envdoctor.model.comparison import Finding
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run, Unavailable
from envdoctor.report.comparison import finding_lines
from envdoctor.statistics.conditions import parse
from envdoctor.statistics.findings import evaluate, evaluate_between
from envdoctor.statistics.ranking import resolution_of
from envdoctor.statistics.runs import compare_runs

made = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))
made_run, STEP_SECONDS = made["made_run"], made["STEP_SECONDS"]


@pytest.fixture(scope="module")
def run() -> Run:
    return made_run(seed=1, workloads=("mlp-tiny", "cnn-tiny"))


def _with_cell(run: Run, title: str, **values: object) -> Run:
    cells = [
        structs.replace(cell, **values) if cell.row.title == title else cell for cell in run.cells
    ]
    return structs.replace(run, cells=tuple(cells))


def _results(found: Finding) -> list[tuple[str, str, str, str]]:
    return [(c.workload, c.subject or c.left, c.right, c.result) for c in found.checks]


def test_a_row_that_surely_takes_too_long_fails(run: Run) -> None:
    found = evaluate(parse("torch eager > 4.5x jax on mlp-tiny"), run)
    assert found.result == "failed"
    assert _results(found) == [("mlp-tiny", "torch eager", "jax jit", "failed")]
    (check,) = found.checks
    assert check.ratio is not None
    assert 4.5 < check.ratio.low < 5 < check.ratio.high


def test_noise_does_not_fail_a_condition(run: Run) -> None:
    # The true ratio is 5: an interval around it reaches below, whatever the noise.
    (check,) = evaluate(parse("torch eager > 5x jax on mlp-tiny"), run).checks
    assert check.ratio is not None
    assert check.ratio.low < 5
    assert check.result == "passed"


def test_equal_rows_hardly_ever_fail_in_either_direction() -> None:
    equal = {"numpy": 4e-4, "torch eager": 4e-4}
    failed = 0
    for seed in range(40):
        run = made_run(equal, seed=seed, rounds=8)
        for text in ("torch > 1x numpy", "torch < 1x numpy"):
            failed += evaluate(parse(text), run).result == "failed"
    assert failed <= 4


def test_the_other_direction_rests_on_the_high_end(run: Run) -> None:
    assert evaluate(parse("jax < 0.25x torch eager"), run).result == "failed"
    assert evaluate(parse("jax < 0.2x torch eager on mlp-tiny"), run).result == "passed"


def test_each_mode_and_each_workload_is_checked(run: Run) -> None:
    found = evaluate(parse("torch > 4.8x jax"), run)
    assert [check[:2] for check in _results(found)] == [
        ("mlp-tiny", "torch eager"),
        ("mlp-tiny", "torch compile"),
        ("cnn-tiny", "torch eager"),
        ("cnn-tiny", "torch compile"),
    ]
    assert [check[3] for check in _results(found)] == ["failed", "passed", "failed", "passed"]
    assert found.result == "failed"


def test_more_checks_ask_for_more_certainty(run: Run) -> None:
    one = evaluate(parse("torch eager > 1x jax on mlp-tiny"), run).checks[0].ratio
    four = evaluate(parse("torch > 1x jax"), run).checks[0].ratio
    assert one is not None
    assert four is not None
    assert four.low < one.low


def test_modes_of_one_backend_can_be_compared_and_none_with_itself(run: Run) -> None:
    found = evaluate(parse("torch compile > 1.1x torch on mlp-tiny"), run)
    assert _results(found) == [("mlp-tiny", "torch compile", "torch eager", "passed")]


def test_rows_of_two_precisions_are_not_held_against_each_other(run: Run) -> None:
    (jax,) = [c for c in run.cells if c.row.backend == "jax" and c.workload == "mlp-tiny"]
    short = structs.replace(jax, row=structs.replace(jax.row, precision="bf16"))
    both = structs.replace(run, cells=(*run.cells, short))
    (check,) = evaluate(parse("torch eager > 1.1x jax on mlp-tiny"), both).checks
    assert check.right == jax.row.title
    alone = structs.replace(run, cells=tuple(short if c is jax else c for c in run.cells))
    found = evaluate(parse("torch eager > 1.1x jax on mlp-tiny"), alone)
    assert (found.result, found.checks) == ("cannot be told", ())


def test_the_twin_takes_no_part(run: Run) -> None:
    assert len(evaluate(parse("numpy > 1x jax on mlp-tiny"), run).checks) == 1


def test_a_row_that_failed_cannot_be_told(run: Run) -> None:
    crashed = _with_cell(run, "torch eager", outcome=Outcome(status="crashed", reason="so."))
    found = evaluate(parse("torch eager > 1x jax"), crashed)
    assert found.result == "cannot be told"
    assert found.checks[0].reason == "torch eager has no speed: crashed: so"
    unproven = _with_cell(run, "torch eager", certificate=None)
    (check, _) = evaluate(parse("torch eager > 1x jax"), unproven).checks
    assert check.reason == "torch eager has no speed: it is not proven to do the same work"


def test_a_failure_outweighs_what_cannot_be_told(run: Run) -> None:
    crashed = _with_cell(run, "torch compile", outcome=Outcome(status="crashed", reason="so."))
    assert evaluate(parse("torch > 1x jax"), crashed).result == "failed"
    assert evaluate(parse("torch > 9x jax"), crashed).result == "cannot be told"


def test_what_a_backend_cannot_do_is_nobodys_failure(run: Run) -> None:
    cannot = _with_cell(run, "torch compile", outcome=Outcome(status="unsupported", reason="so."))
    found = evaluate(parse("torch > 9x jax"), cannot)
    assert found.result == "passed"
    assert {check.left for check in found.checks} == {"torch eager"}
    nothing = evaluate(parse("torch compile > 9x jax"), cannot)
    assert (nothing.result, nothing.reason) == (
        "cannot be told",
        "no workload has both sides.",
    )


def test_a_backend_that_is_not_installed_cannot_be_told(run: Run) -> None:
    absent = Unavailable(backend="mxnet", reason="mxnet is not installed.")
    found = evaluate(parse("mxnet > 1x jax"), structs.replace(run, unavailable=(absent,)))
    assert (found.result, found.reason) == ("cannot be told", "mxnet is not installed.")


def test_rows_that_were_not_paired_cannot_be_told(run: Run) -> None:
    apart = structs.replace(run, plan=structs.replace(run.plan, interleaved=False))
    found = evaluate(parse("torch > 1x jax"), apart)
    assert found.result == "cannot be told"
    assert found.checks[0].reason == "the rows were not measured in the same rounds"


def test_a_noisy_run_cannot_be_told() -> None:
    found = evaluate(parse("torch > 1x jax"), made_run(seed=1, twin_factor=1.2))
    assert found.result == "cannot be told"
    assert found.checks[0].reason.startswith("the run was too noisy")


@pytest.fixture(scope="module")
def rough() -> Run:
    """Copies of one row agree, but only to some 15 %; torch eager takes 5 times as long as jax."""
    return made_run(seed=1, noise=0.1)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("torch eager > 2x jax", "failed"),
        ("torch eager < 9x jax", "failed"),
        ("torch eager > 9x jax", "passed"),
        ("torch eager < 2x jax", "passed"),
        ("torch eager > 4.6x jax", "cannot be told"),
        ("torch eager < 5.4x jax", "cannot be told"),
    ],
)
def test_of_a_rough_run_only_what_lies_far_from_the_factor_is_told(
    text: str, result: str, rough: Run
) -> None:
    resolution = resolution_of(rough, "mlp-tiny")
    assert resolution is not None
    assert (resolution.grade, resolution.biased) == ("D", False)
    (check,) = evaluate(parse(text), rough).checks
    assert check.result == result
    assert check.ratio is not None
    assert bool(check.reason) == (result == "cannot be told")


def test_what_a_rough_run_leaves_in_doubt_is_said(rough: Run) -> None:
    found = evaluate(parse("torch eager > 4.6x jax"), rough)
    (_, line) = finding_lines(found)
    assert line.startswith("  cannot be told on mlp-tiny: torch eager takes ")
    assert re.search(r"; the machine was noisy, and up to \d+ % beyond that is in doubt\.$", line)


def test_equal_rows_of_a_rough_run_never_fail() -> None:
    for seed in range(40):
        run = made_run({"numpy": 4e-4, "torch eager": 4e-4}, seed=seed, rounds=8, noise=0.15)
        for text in ("torch > 1x numpy", "torch < 1x numpy"):
            assert evaluate(parse(text), run).result == "cannot be told"


def test_between_a_rough_run_and_another_only_what_is_far_apart_is_told(
    run: Run, rough: Run
) -> None:
    half = made_run({**STEP_SECONDS, "torch eager": 2e-3}, seed=3)
    assert _between("torch eager: B > 1.05x A", rough, half).result == "failed"
    assert _between("torch eager: B > 4x A", rough, half).result == "passed"
    (check,) = _between("jax: B > 1.05x A on mlp-tiny", rough, run).checks
    assert (check.result, bool(check.reason)) == ("cannot be told", True)


def test_too_few_rounds_cannot_be_told() -> None:
    few = made_run(seed=1, launches=1, rounds=3, twin=None)
    (check, _) = evaluate(parse("torch > 1x jax"), few).checks
    assert (check.result, check.ratio) == ("cannot be told", None)
    assert check.reason == "they have too few rounds in common"


@pytest.mark.parametrize("text", ["mxnet > 1x jax", "torch > 1x jax on mlp-tony", "B > 1x A"])
def test_unknown_names_and_runs_are_refused_in_one_run(text: str, run: Run) -> None:
    with pytest.raises(InputError):
        evaluate(parse(text), run)


@pytest.fixture(scope="module")
def slower() -> Run:
    return made_run(
        {**STEP_SECONDS, "torch eager": 1.1e-3}, seed=2, workloads=("mlp-tiny", "cnn-tiny")
    )


def _between(text: str, a: Run, b: Run) -> Finding:
    return evaluate_between(parse(text), compare_runs(a, b))


def test_every_row_is_checked_between_runs_but_the_reference(run: Run, slower: Run) -> None:
    found = _between("B > 1.05x A on mlp-tiny", run, slower)
    assert _results(found) == [
        ("mlp-tiny", f"{row} over numpy", "A", result)
        for row, result in (
            ("torch eager", "failed"),
            ("torch compile", "passed"),
            ("jax jit", "passed"),
        )
    ]
    assert found.result == "failed"


def test_a_condition_may_name_its_row(run: Run, slower: Run) -> None:
    assert _between("torch eager: B > 1.05x A", run, slower).result == "failed"
    assert _between("jax: B > 1.05x A", run, slower).result == "passed"
    assert len(_between("torch: B > 1.05x A on cnn-tiny", run, slower).checks) == 2


def test_a_condition_may_be_written_from_either_side(run: Run, slower: Run) -> None:
    found = _between("torch eager: A < 0.95x B on mlp-tiny", run, slower)
    assert found.result == "failed"
    ratio = found.checks[0].ratio
    assert ratio is not None
    assert ratio.low < 1 / 1.1 < ratio.high
    assert _between("torch eager: A > 1x B", run, slower).result == "passed"


def test_the_reference_can_only_be_checked_by_name_and_then_not_told(run: Run, slower: Run) -> None:
    (check, _) = _between("numpy: B > 1.05x A", run, slower).checks
    assert check.result == "cannot be told"
    assert "--absolute" in check.reason
    absolute = compare_runs(run, slower, absolute=True)
    assert evaluate_between(parse("numpy: B > 1.05x A"), absolute).result == "passed"


def test_rows_of_one_run_only_take_part_when_they_are_named(run: Run) -> None:
    fewer = made_run({"numpy": 4e-4, "jax jit": 2e-4}, seed=2, workloads=("mlp-tiny", "cnn-tiny"))
    assert _between("B > 1.05x A", run, fewer).result == "passed"
    (check, *_) = _between("torch: B > 1.05x A", run, fewer).checks
    assert (check.result, check.reason) == ("cannot be told", "only in A")


def test_a_row_that_lost_its_speed_cannot_be_told(run: Run, slower: Run) -> None:
    crashed = _with_cell(slower, "jax jit", outcome=Outcome(status="crashed", reason="so."))
    found = _between("B > 1.5x A", run, crashed)
    assert found.result == "cannot be told"
    assert {c.reason for c in found.checks if c.reason} == {"no speed: in B crashed: so"}


def test_a_row_that_never_had_a_speed_is_left_out(run: Run, slower: Run) -> None:
    never = [
        _with_cell(each, "jax jit", outcome=Outcome(status="unsupported", reason="so."))
        for each in (run, slower)
    ]
    assert _between("B > 1.5x A", *never).result == "passed"


def test_with_nothing_to_check_it_cannot_be_told(run: Run) -> None:
    other = made_run({"mxnet": 1e-3}, seed=2)
    found = _between("B > 1.05x A", run, other)
    assert (found.result, found.checks) == ("cannot be told", ())
    assert found.reason == "no row has a speed in both runs."


def test_unknown_names_are_refused_between_runs(run: Run, slower: Run) -> None:
    with pytest.raises(InputError, match="no row called `mxnet`"):
        _between("mxnet: B > 1x A", run, slower)
