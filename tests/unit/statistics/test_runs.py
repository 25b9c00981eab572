from __future__ import annotations

import re
import runpy
from math import exp, log
from pathlib import Path
from random import Random

import pytest
from msgspec import structs

from envdoctor.errors import InputError
from envdoctor.model.cell import Cell
from envdoctor.model.comparison import Comparison, Pair
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run
from envdoctor.statistics.runs import REFERENCE, compare_runs

made = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))
made_run, STEP_SECONDS = made["made_run"], made["STEP_SECONDS"]


@pytest.fixture(scope="module")
def before() -> Run:
    return made_run(seed=1)


def _pair(comparison: Comparison, title: str) -> Pair:
    (found,) = [pair for pair in comparison.pairs if pair.row.title == title]
    return found


def _with_cell(run: Run, title: str, **values: object) -> Run:
    cells = [
        structs.replace(cell, **values) if cell.row.title == title and not cell.row.twin else cell
        for cell in run.cells
    ]
    return structs.replace(run, cells=tuple(cells))


def _verdicts(comparison: Comparison) -> dict[str, str]:
    return {pair.row.title: pair.verdict for pair in comparison.pairs}


def test_a_slower_row_is_told_and_the_others_are_not(before: Run) -> None:
    after = made_run({**STEP_SECONDS, "torch eager": 1.1e-3}, seed=2)
    found = compare_runs(before, after)
    assert _verdicts(found)["torch eager"] == "slower"
    assert not {"slower", "faster"} & {_verdicts(found)[t] for t in ("torch compile", "jax jit")}
    pair = _pair(found, "torch eager")
    assert pair.ratio is not None
    assert pair.ratio.low < 1.1 < pair.ratio.high
    assert pair.ratio.high - pair.ratio.low < 0.06
    assert (pair.blocks, pair.launches) == ((36, 36), (3, 3))


def test_a_faster_row_is_told(before: Run) -> None:
    after = made_run({**STEP_SECONDS, "jax jit": 1.8e-4}, seed=2)
    assert _verdicts(compare_runs(before, after))["jax jit"] == "faster"


def test_equal_runs_are_never_called_different() -> None:
    for seed in range(20):
        found = compare_runs(made_run(seed=2 * seed), made_run(seed=2 * seed + 1))
        assert not {"slower", "faster"} & set(_verdicts(found).values()), seed


@pytest.mark.parametrize("pace", [0.8, 1.15, 1.5])
def test_another_pace_of_the_machine_makes_no_row_slower(pace: float, before: Run) -> None:
    after = made_run(seed=2, pace=pace)
    for absolute in (False, True):
        found = compare_runs(before, after, absolute=absolute)
        assert not {"slower", "faster"} & set(_verdicts(found).values()), absolute
    assert found.paces[0].ratio == pytest.approx(pace)


def test_a_slower_row_is_seen_whatever_the_pace(before: Run) -> None:
    after = made_run({**STEP_SECONDS, "torch eager": 1.1e-3}, seed=2, pace=0.8)
    pair = _pair(compare_runs(before, after), "torch eager")
    assert (pair.verdict, pair.view) == ("slower", "relative")
    # As they are, its steps became shorter, and the interval says that it cannot tell.
    assert pair.step_ratio is not None
    assert pair.step_ratio.low < 1 < pair.step_ratio.high


def test_without_a_canary_the_pace_is_not_allowed_for(before: Run) -> None:
    after = made_run(seed=2, pace=1.2)
    blind = [
        structs.replace(
            run, rounds=tuple(structs.replace(turn, canary_ns=None) for turn in run.rounds)
        )
        for run in (before, after)
    ]
    found = compare_runs(*blind, absolute=True)
    assert found.paces == ()
    assert _verdicts(found)["torch eager"] == "slower"


def test_rows_are_measured_by_the_row_that_was_run_twice(before: Run) -> None:
    found = compare_runs(before, made_run(seed=2))
    assert _verdicts(found)["numpy"] == REFERENCE
    assert {p.reference.title for p in found.pairs if p.reference} == {"numpy"}
    assert _pair(found, "numpy").view == "step time"


def test_more_rows_ask_each_for_more_certainty(before: Run) -> None:
    def only(run: Run, *titles: str) -> Run:
        cells = tuple(cell for cell in run.cells if cell.row.title in titles)
        return structs.replace(run, cells=cells)

    after = made_run(seed=2)
    few = [only(run, "numpy", "torch eager") for run in (before, after)]
    alone, among = (
        _pair(compare_runs(*runs), "torch eager").ratio for runs in (few, (before, after))
    )
    assert alone is not None
    assert among is not None
    assert among.low < alone.low < alone.high < among.high


def test_a_row_that_changed_is_no_reference(before: Run) -> None:
    after = made_run(seed=2, versions={"numpy": "2.0", "torch": "2.0"})
    found = compare_runs(before, after)
    assert _verdicts(found)["jax jit"] == REFERENCE
    assert [each.what for each in _pair(found, "numpy").changed] == ["numpy"]


def test_if_every_row_changed_the_step_times_are_compared(before: Run) -> None:
    changed = {"numpy": "2.0", "torch": "2.0", "jax": "2.0"}
    found = compare_runs(before, made_run(seed=2, versions=changed))
    assert {pair.view for pair in found.pairs} == {"step time"}
    assert REFERENCE not in _verdicts(found).values()


def test_another_envdoctor_leaves_no_reference_and_is_noted(before: Run) -> None:
    found = compare_runs(before, made_run(seed=2, envdoctor_version="0.2.0"))
    assert {pair.view for pair in found.pairs} == {"step time"}
    assert "envdoctor is 0.1.0 in A and 0.2.0 in B" in found.notes[0]


def test_a_single_row_is_not_measured_by_itself() -> None:
    alone = {"numpy": 4e-4}
    found = compare_runs(made_run(alone, seed=1), made_run(alone, seed=2))
    (pair,) = found.pairs
    assert (pair.view, pair.reference) == ("step time", None)
    assert pair.verdict != REFERENCE


def test_rows_that_were_not_interleaved_are_compared_as_they_are(before: Run) -> None:
    after = made_run(seed=2)
    apart = structs.replace(after, plan=structs.replace(after.plan, interleaved=False))
    found = compare_runs(before, apart)
    assert {pair.view for pair in found.pairs} == {"step time"}
    assert "Run B did not interleave" in found.notes[0]


def test_what_is_not_comparable_has_no_ratio_and_says_why(before: Run) -> None:
    after = made_run(seed=2)
    found = compare_runs(
        before, structs.replace(after, plan=structs.replace(after.plan, cpus=(1,)))
    )
    assert {pair.status for pair in found.pairs} == {"not comparable"}
    assert all(pair.ratio is None and pair.step_ratio is None for pair in found.pairs)
    assert {(d.what, d.a, d.b) for pair in found.pairs for d in pair.differences} == {
        ("CPUs", "2", "1")
    }


def test_rows_of_one_run_only_are_listed(before: Run) -> None:
    after = made_run({"numpy": 4e-4, "mxnet": 1e-3}, seed=2)
    statuses = {pair.row.title: pair.status for pair in compare_runs(before, after).pairs}
    assert statuses == {
        "numpy": "compared",
        "mxnet": "only in B",
        "torch eager": "only in A",
        "torch compile": "only in A",
        "jax jit": "only in A",
    }


def test_another_precision_or_device_is_another_row(before: Run) -> None:
    moved = _with_cell(made_run(seed=2), "jax jit")
    cells = [
        structs.replace(cell, row=structs.replace(cell.row, device="cuda"))
        if cell.row.backend == "jax"
        else cell
        for cell in moved.cells
    ]
    found = compare_runs(before, structs.replace(moved, cells=tuple(cells)))
    assert [pair.status for pair in found.pairs if pair.row.backend == "jax"] == [
        "only in B",
        "only in A",
    ]


def test_another_interpreter_is_the_same_row(before: Run) -> None:
    after = made_run(seed=2)
    cells = [
        structs.replace(cell, row=structs.replace(cell.row, interpreter="/other/python"))
        for cell in after.cells
    ]
    found = compare_runs(before, structs.replace(after, cells=tuple(cells)))
    assert {pair.status for pair in found.pairs} == {"compared"}


CRASHED = Outcome(status="crashed", reason="killed by SIGSEGV.")


def test_a_row_without_a_speed_says_where_and_why(before: Run) -> None:
    after = _with_cell(made_run(seed=2), "torch eager", outcome=CRASHED)
    pair = _pair(compare_runs(before, after), "torch eager")
    assert (pair.status, pair.reason) == ("no speed", "in B crashed: killed by SIGSEGV.")
    assert pair.a is not None
    assert pair.b is None


def test_an_unproven_row_has_no_speed(before: Run) -> None:
    after = _with_cell(made_run(seed=2), "torch eager", certificate=None)
    pair = _pair(compare_runs(before, after), "torch eager")
    assert pair.reason == "in B it is not proven to do the same work."


def test_blocks_of_contaminated_rounds_do_not_count(before: Run) -> None:
    def disturbed(cell: Cell) -> Cell:
        blocks = [
            structs.replace(b, wall_ns=3 * b.wall_ns) if b.round < 4 else b for b in cell.blocks
        ]
        return structs.replace(cell, blocks=tuple(blocks))

    after = made_run(seed=2)
    cells = tuple(disturbed(c) if c.row.title == "torch eager" else c for c in after.cells)
    rounds = tuple(structs.replace(turn, kept=turn.round >= 4) for turn in after.rounds)
    found = compare_runs(before, structs.replace(after, cells=cells, rounds=rounds))
    pair = _pair(found, "torch eager")
    assert pair.blocks == (36, 24)
    assert pair.ratio is not None
    assert abs(log(pair.ratio.ratio)) < 0.02


def test_a_run_that_is_too_noisy_gives_no_ratio(before: Run) -> None:
    noisy = made_run(seed=2, twin_factor=1.2)
    found = compare_runs(before, noisy)
    assert {pair.status for pair in found.pairs} == {"too noisy"}
    assert found.pairs[0].reason.startswith("run B was too noisy")
    assert compare_runs(noisy, noisy).pairs[0].reason.startswith("both runs were too noisy")


def test_a_rough_run_still_tells_what_is_far_apart(before: Run) -> None:
    rough = made_run({**STEP_SECONDS, "torch eager": 2e-3, "jax jit": 2.1e-4}, seed=2, noise=0.1)
    found = compare_runs(before, rough)
    assert _verdicts(found)["torch eager"] == "slower"
    # Neither a tie nor a leaning is told within so wide a margin.
    assert {_verdicts(found)[title] for title in ("jax jit", "torch compile")} == {"inconclusive"}
    assert found.pairs[0].doubt > 0.05
    assert re.fullmatch(
        r"Run B was noisy on mlp-tiny \(grade D\): only differences over \d+ % are told\.",
        found.notes[0],
    )
    both = compare_runs(rough, rough)
    assert both.notes[0].startswith("Both runs were noisy")
    assert both.pairs[0].doubt > found.pairs[0].doubt


def test_equal_runs_of_a_noisy_machine_are_never_called_different() -> None:
    for seed in range(40):
        runs = (made_run(seed=2 * seed + more, rounds=8, noise=0.15) for more in (0, 1))
        found = compare_runs(*runs)
        assert not {"slower", "faster"} & set(_verdicts(found).values()), seed


def test_a_loaded_machine_tells_nothing_at_grade_d(before: Run) -> None:
    rough = made_run(seed=2, noise=0.1)
    loaded = [
        structs.replace(
            cell, blocks=tuple(structs.replace(b, causes=("foreign CPU",)) for b in cell.blocks)
        )
        for cell in rough.cells
    ]
    found = compare_runs(before, structs.replace(rough, cells=tuple(loaded)))
    assert {pair.status for pair in found.pairs} == {"too noisy"}


def test_a_noisy_twin_widens_the_margin(before: Run) -> None:
    after = made_run({**STEP_SECONDS, "torch eager": 1.05e-3}, seed=2)
    assert _verdicts(compare_runs(before, after))["torch eager"] == "slower"
    random = Random(3)
    cells = tuple(
        structs.replace(
            cell,
            blocks=tuple(
                structs.replace(b, wall_ns=round(b.wall_ns * exp(random.gauss(0, 0.08))))
                for b in cell.blocks
            ),
        )
        if cell.row.twin
        else cell
        for cell in after.cells
    )
    found = compare_runs(before, structs.replace(after, cells=cells))
    assert _verdicts(found)["torch eager"] == "leans slower"


def test_too_few_rounds_are_told() -> None:
    few = [made_run(seed=seed, launches=1, rounds=2, twin=None) for seed in (1, 2)]
    pair = _pair(compare_runs(*few), "torch eager")
    assert (pair.status, pair.ratio, pair.verdict) == ("compared", None, "inconclusive")
    assert pair.reason == "too few rounds for an interval."


def test_an_unfinished_run_and_an_unsteady_row_are_noted(before: Run) -> None:
    after = made_run(seed=2, state="interrupted")
    cell = next(cell for cell in after.cells if cell.row.title == "jax jit")
    launches = (structs.replace(cell.launches[0], compiled_while_timed=1), *cell.launches[1:])
    after = _with_cell(after, "jax jit", launches=launches)
    notes = compare_runs(before, after).notes
    assert notes[0] == "Run B did not finish: its file says `interrupted`."
    assert "jax jit did not become steady on mlp-tiny" in notes[1]
    assert compare_runs(before, made_run(seed=3)).notes == ()


def test_what_else_was_measured_stands_beside_the_speed(before: Run) -> None:
    pair = _pair(compare_runs(before, made_run(seed=2)), "torch eager")
    assert pair.a is not None
    assert pair.a.step_seconds == pytest.approx(1e-3, rel=0.03)
    assert pair.a.warmup_debt_seconds == pytest.approx(0.5, rel=0.01)
    assert (pair.a.caches, pair.a.footprint_bytes, pair.a.value) == ("cold", 200_000_000, 0.96)


def test_runs_without_cells_compare_to_nothing(before: Run) -> None:
    empty = structs.replace(before, cells=())
    assert compare_runs(empty, empty).pairs == ()


@pytest.mark.parametrize("margin", [-0.01, float("nan"), float("inf")])
def test_a_margin_that_is_none_is_refused(margin: float, before: Run) -> None:
    with pytest.raises(InputError, match="margin"):
        compare_runs(before, before, margin=margin)
