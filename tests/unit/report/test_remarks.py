from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from envdoctor.model.run import Run
from envdoctor.report.remarks import geometric_means, remarks, summary
from envdoctor.report.sentences import TO
from envdoctor.statistics.ranking import NOT_PAIRED, TOO_NOISY, rank

MADE = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))


@pytest.fixture(scope="module")
def made_run() -> Callable[..., Run]:
    return MADE["made_run"]


def _said(run: Run, workload: str = "mlp-tiny") -> tuple[str, ...]:
    return remarks(run, rank(run, workload))


def test_what_the_columns_say_is_not_said_again(run: Run) -> None:
    said = _said(run)
    assert said[0] == "fastest: jax jit 0.101 ms/step."
    # Three rows are clearly slower; their ratios stand in the table.
    assert not any("as long as" in line for line in said)


def test_rows_that_are_not_clearly_slower_have_a_sentence_each(run: Run) -> None:
    fastest, leaning, undecided, machine = _said(run, "transformer-tiny")
    assert fastest.startswith(
        "fastest: torch eager 42.1 ms/step; torch compile is equal within 2 %"
    )
    assert leaning.startswith("~ tensorflow graph takes about 1.03x as long as torch eager")
    assert undecided.startswith(f"? tensorflow xla vs torch eager: 1.0x (0.95{TO}1.11). Too noisy")
    assert machine.startswith("on this machine now, differences under 1.7 % cannot be seen")


def test_a_row_that_shares_no_round_with_the_fastest_is_named(run: Run) -> None:
    jax, torch = run.cells[4], run.cells[1]
    cells = (
        structs.replace(jax, blocks=tuple(b for b in jax.blocks if b.launch == 0)),
        structs.replace(torch, blocks=tuple(b for b in torch.blocks if b.launch == 1)),
    )
    plan = structs.replace(run.plan, twin=None)
    said = _said(structs.replace(run, cells=cells, plan=plan))
    assert "? torch eager and jax jit share no round that counts." in said


def test_a_row_that_never_settled_is_told_with_or_without_a_ranking(run: Run) -> None:
    torch = run.cells[1]
    first = structs.replace(torch.launches[0], steady=False, compiled_while_timed=3)
    unsteady = structs.replace(torch, launches=(first, *torch.launches[1:]))
    changed = structs.replace(run, cells=(unsteady, *run.cells[2:], run.cells[0]))
    apart = structs.replace(changed, plan=structs.replace(run.plan, interleaved=False))
    for each in (changed, apart):
        (line,) = [line for line in _said(each) if "steady state" in line]
        assert line.startswith("torch eager did not reach a steady state (compiled 3 times")
    assert not any("steady state" in line for line in _said(run))


def test_without_rounds_side_by_side_only_that_is_said(run: Run) -> None:
    apart = structs.replace(run, plan=structs.replace(run.plan, interleaved=False))
    assert _said(apart) == (NOT_PAIRED,)


def test_a_machine_that_is_too_noisy_names_nobody_as_the_fastest(
    made_run: Callable[..., Run],
) -> None:
    said = _said(made_run(noise=0.15, twin_factor=1.3))
    assert said[0] == TOO_NOISY
    assert not any(line.startswith(("fastest", "~", "?")) for line in said)
    assert "two copies of the same backend (numpy, numpy')" in said[1]


def test_the_geometric_mean_names_each_row_with_its_interval(made_run: Callable[..., Run]) -> None:
    times = {"numpy": 2e-4, "torch eager": 4e-4, "jax jit": 1e-4}
    said = geometric_means(made_run(times, workloads=("a", "b", "c"), noise=0.001))
    assert said.startswith("over a, b and c, in the geometric mean of times per step: ")
    assert "numpy takes 2.00x as long as jax jit (95 % CI " in said
    assert "; torch eager 3.99x (95 % CI " in said
    assert said.endswith(").")
    assert "numpy'" not in said


def test_each_precision_has_a_mean_of_its_own(made_run: Callable[..., Run]) -> None:
    times = {"numpy": 2e-4, "torch eager": 4e-4, "jax jit": 1e-4}
    run = made_run(times, workloads=("a", "b"), noise=0.001)
    reduced = [
        structs.replace(cell, row=structs.replace(cell.row, precision="bf16"))
        for cell in run.cells
        if cell.row.backend in {"torch", "jax"}
    ]
    said = geometric_means(structs.replace(run, cells=(*run.cells, *reduced)))
    first, second = said.split(" over a and b in bf16, ")
    assert first.startswith("over a and b in fp32, ")
    assert "numpy takes 2.00x as long as jax jit" in first
    assert "numpy" not in second
    assert re.search(r"torch eager bf16 takes [34]\.\d+x as long as jax jit bf16", second)


@pytest.mark.parametrize("rounds", [3, 5])
def test_too_few_rounds_give_a_mean_without_an_interval(
    rounds: int, made_run: Callable[..., Run]
) -> None:
    times = {"numpy": 2e-4, "jax jit": 1e-4}
    run = made_run(times, workloads=("a", "b"), launches=1, rounds=rounds, twin=None)
    assert geometric_means(run).endswith("jax jit (too few rounds for an interval).")


def test_there_is_no_mean_of_one_workload_or_of_one_row(made_run: Callable[..., Run]) -> None:
    assert geometric_means(made_run()) == ""
    assert geometric_means(made_run({"numpy": 1e-4}, workloads=("a", "b"))) == ""


def test_there_is_no_mean_where_the_machine_was_too_noisy(made_run: Callable[..., Run]) -> None:
    noisy = made_run(workloads=("a", "b"), noise=0.15, twin_factor=1.3)
    assert geometric_means(noisy) == ""


def test_a_batch_that_only_pays_for_overhead_is_named(made_run: Callable[..., Run]) -> None:
    run = made_run(workloads=("a", "a@1024"), noise=0.001)
    records = tuple(
        structs.replace(record, batch=batch)
        for record, batch in zip(run.workloads, (64, 1024), strict=True)
    )
    mean, bound = summary(structs.replace(run, workloads=records))
    assert mean.startswith("over a and a@1024")
    assert bound.startswith("a with a batch of 64 is bound by overhead: for 1,024 samples ")
    assert re.search(r"\w+ takes (0\.99\d|1\.00\d?)x as long; \w+", bound)
    assert summary(run) == (mean,)
