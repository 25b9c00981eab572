from __future__ import annotations

import runpy
from dataclasses import replace
from math import exp
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.model.cell import Row
from envdoctor.report.sentences import (
    Effort,
    drifted,
    interval,
    ratio,
    relation,
    row_names,
)
from envdoctor.statistics.drift import Drift
from envdoctor.statistics.interval import Interval
from envdoctor.statistics.paired import Comparison
from envdoctor.statistics.verdicts import verdict

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "support" / "ranked_rows.py"))
_cell = MADE["cell_of"]
_run = MADE["run_of"]
_twins = MADE["twins"]
_row = MADE["row_of"]
_say = MADE["say"]
_plain = MADE["plain"]
NUMPY = MADE["NUMPY"]
EFFORT = Effort(most_rounds=48, round_seconds=3.0)


def _comparison(low: float, high: float, **values: object) -> Comparison:
    found = Interval(low, high)
    plain = Comparison(
        ratio=exp(found.log_ratio),
        interval=found,
        verdict=verdict(found, 0.02),
        margin=0.02,
        rounds=36,
        least_rounds=7,
        launches=3,
        pair_deviation=0.02,
        autocorrelation=0.0,
        autocorrelated=False,
        drift=None,
    )
    return replace(plain, **values)


@pytest.mark.parametrize(
    ("low", "high", "line"),
    [
        (
            1.034,
            1.063,
            "b takes 1.05x as long as a (95 % CI 1.03-1.06; 36 paired rounds, 3 launches).",
        ),
        (0.5, 0.6, "b takes 0.55x as long as a (95 % CI 0.50-0.60; 36 paired rounds, 3 launches)."),
        (
            1.01,
            1.05,
            "~ b takes about 1.03x as long as a (1.01-1.05); real, but it may be under the 2 % margin.",
        ),
        (
            0.95,
            0.99,
            "~ b takes about 0.97x as long as a (0.95-0.99); real, but it may be under the 2 % margin.",
        ),
        (0.99, 1.01, "= b and a: no difference larger than 2 % (CI 0.99-1.01)."),
        (
            1.004,
            1.03,
            "~ b takes about 1.02x as long as a (1.004-1.030); real, but it may be under the 2 % margin.",
        ),
        (
            0.98,
            1.24,
            "? b vs a: 1.1x (0.98-1.24). Too noisy to say; about 47 more rounds (2 min) would settle it.",
        ),
        (
            0.95,
            1.09,
            "? b vs a: 1.0x (0.95-1.09). Too noisy to say; settling it would take more than your budget.",
        ),
        (
            11.0,
            14.0,
            "b takes 12.4x as long as a (95 % CI 11.0-14.0; 36 paired rounds, 3 launches).",
        ),
    ],
)
def test_each_verdict_has_its_line(low: float, high: float, line: str) -> None:
    assert _plain(relation("b", "a", _comparison(low, high), EFFORT)) == line


def test_the_margin_that_counted_is_the_one_that_is_said() -> None:
    found = _comparison(0.98, 1.03, margin=0.0312, verdict="tie")
    assert "no difference larger than 3.1 %" in relation("b", "a", found, EFFORT)


def test_one_of_something_is_singular() -> None:
    found = _comparison(1.05, 1.06, rounds=1, launches=1)
    assert "1 paired round, 1 launch)" in relation("b", "a", found, EFFORT)


def test_without_an_interval_no_interval_is_shown() -> None:
    found = _comparison(1.05, 1.06, interval=None, verdict="inconclusive", rounds=5)
    assert relation("b", "a", found, EFFORT) == (
        "? b vs a: 5 paired rounds are too few for an interval; 2 more would give one."
    )


def test_the_time_is_left_out_where_it_is_not_known() -> None:
    line = relation("b", "a", _comparison(0.98, 1.24), Effort(48))
    assert line.endswith("about 47 more rounds would settle it.")


def test_a_drift_is_told_with_its_halves() -> None:
    assert drifted("b", "a", _comparison(1.05, 1.06)) == ""
    found = _comparison(1.05, 1.06, drift=Drift(1.021, 1.104))
    assert drifted("b", "a", found) == (
        "b drifted against a: 1.02x in the first half of the rounds, 1.10x in the second."
    )


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(1.05, 1.06, "1.05x"), (0.9, 1.3, "1.1x"), (0.01, 0.012, "0.0110x"), (80, 90, "84.9x")],
)
def test_a_ratio_has_the_decimals_that_it_deserves(low: float, high: float, text: str) -> None:
    assert ratio(_comparison(low, high)) == text


def test_an_end_never_reads_as_one_that_is_not() -> None:
    assert _plain(interval(Interval(1.0042, 1.021))) == "1.004-1.021"
    assert _plain(interval(Interval(0.99, 1.021))) == "0.99-1.02"


def test_a_ranking_is_told_from_the_fastest_on() -> None:
    run = _run(
        *_twins(),
        _cell(_row("jax"), 1.82, setup_seconds=2.1),
        _cell(_row("torch"), 1.83, setup_seconds=0.3),
        _cell(_row("tensorflow"), 1.91, setup_seconds=1.2),
    )
    # The twin repeats every time, so the floor alone is what it shows: 1.96 * 0.5 % / sqrt(3).
    assert _say(run) == (
        "fastest: jax 1.82 ms/step; torch is equal within 2 % (1.01x, 95 % CI 0.999-1.012).",
        # That the others are slower, and by how much, stands in their lines of the table.
        "jax pays 2.10 s before the first steady step; tensorflow is ahead until step 10,000 on this workload.",
        "on this machine now, differences under 1.1 % cannot be seen (A/A ±0.57 %).",
    )


def test_the_row_that_is_ahead_for_longest_is_the_one_that_is_told() -> None:
    run = _run(*_twins(), _cell(_row("jax"), 1.0, setup_seconds=5.1))
    assert _say(run)[1] == (
        "jax pays 5.10 s before the first steady step; numpy is ahead until step 2,500 on this workload."
    )
    free = _run(*_twins(), _cell(_row("jax"), 1.0, setup_seconds=0.05))
    assert not any("pays" in line for line in _say(free))


def test_equal_titles_are_told_apart_by_what_differs() -> None:
    torch = Row(backend="torch", mode="eager")
    other = structs.replace(torch, interpreter="/other/bin/python")
    cells = [
        _cell(torch, 1.0),
        structs.replace(_cell(other, 1.0), version="2.0"),
        _cell(NUMPY, 1.0),
    ]
    assert list(row_names(cells).values()) == [
        "torch eager 1.0",
        "torch eager 2.0 /other/bin/python",
        "numpy",
    ]


def test_a_row_that_never_settled_is_an_upper_bound() -> None:
    # Of each launch the times fall, round by round: it warms up while it is timed.
    cell = _cell(_row("jax"), 1.0, swing=[1.3 - 0.02 * number for number in range(12)])
    unsteady = structs.replace(cell.launches[1], steady=False)
    compiling = structs.replace(cell.launches[1], compiled_while_timed=4)
    says = []
    for launch in (unsteady, compiling):
        changed = structs.replace(cell, launches=(cell.launches[0], launch))
        says += [line for line in _say(_run(*_twins(), changed)) if "steady state" in line]
    assert says == [
        "jax did not reach a steady state; its time is an upper bound.",
        "jax did not reach a steady state (compiled 4 times while it was timed); its time is an upper bound.",
    ]


def test_many_weights_that_cpus_are_slow_with_are_told() -> None:
    for share, told in ((None, False), (0.0009, False), (0.004, True)):
        jax = structs.replace(_cell(_row("jax"), 1.0), subnormal_share=share)
        said = [line for line in _say(_run(*_twins(), jax)) if "normal numbers" in line]
        assert bool(said) is told
    (line,) = said
    assert line.startswith("0.4 % of the weights of jax are below the normal numbers of float32")


def test_a_gpu_that_slowed_down_is_told() -> None:
    run = _run(*_twins())
    turns = [
        structs.replace(turn, attempt=1, kept=False, causes=("GPU throttling",))
        for turn in run.rounds[:7]
    ]
    run = structs.replace(run, rounds=(*run.rounds, *turns))
    assert (
        "the GPU slowed itself down, for heat or power, in 7 of 43 rounds, "
        "which were repeated where the budget allowed." in _say(run)
    )


def test_rows_that_share_no_round_are_told() -> None:
    jax = _cell(_row("jax"), 1.0)
    late = structs.replace(
        jax, blocks=tuple(structs.replace(b, launch=b.launch + 3) for b in jax.blocks)
    )
    run = _run(*_twins(), late)
    turns = tuple(structs.replace(turn, launch=turn.launch + 3) for turn in run.rounds)
    assert "? numpy and jax share no round that counts." in _say(
        structs.replace(run, rounds=run.rounds + turns)
    )


def test_what_was_not_paired_says_why_and_nothing_else() -> None:
    assert _say(_run(*_twins(), _cell(_row("jax"), 1.0), interleaved=False)) == (
        "Memory forced a fresh start for every block, so no two rows were measured side by side.",
    )


def test_no_line_says_faster_by_percent_or_significant() -> None:
    run = _run(*_twins(), *(_cell(_row(f"b{n}"), 1 + n / 50) for n in range(5)))
    texts = " ".join([*_say(run)])
    assert "significant" not in texts
    assert "% faster" not in texts
    assert "% slower" not in texts
