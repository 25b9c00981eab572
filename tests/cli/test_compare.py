from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.errors import ExitCode
from envdoctor.model import codec
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run

Command = Callable[..., Any]
made = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))
made_run, STEP_SECONDS = made["made_run"], made["STEP_SECONDS"]


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str, Run], Path]:
    def write(name: str, run: Run) -> Path:
        codec.write(run, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def before(saved: Callable[[str, Run], Path]) -> Path:
    return saved("before.json", made_run(seed=1))


@pytest.fixture
def equal(saved: Callable[[str, Run], Path]) -> Path:
    return saved("equal.json", made_run(seed=2))


@pytest.fixture
def slower(saved: Callable[[str, Run], Path]) -> Path:
    return saved("slower.json", made_run({**STEP_SECONDS, "torch eager": 1.1e-3}, seed=2))


def test_two_runs_are_compared(command: Command, before: Path, slower: Path) -> None:
    answer = command("compare", before, slower)
    assert (answer.code, answer.err) == (ExitCode.DONE, "")
    assert "torch eager" in answer.out
    assert "slower" in answer.out


def test_a_condition_makes_a_slower_row_a_problem(
    command: Command, before: Path, equal: Path, slower: Path
) -> None:
    condition = ("--fail-if", "B > 1.05x A")
    assert command("compare", before, equal, *condition).code == ExitCode.DONE
    answer = command("compare", before, slower, *condition)
    assert answer.code == ExitCode.PROBLEMS
    assert "failed: B > 1.05x A" in answer.out
    assert command("compare", before, slower, "--fail-if", "B > 1.2x A").code == ExitCode.DONE


def test_conditions_on_rows_are_about_b(command: Command, before: Path, slower: Path) -> None:
    condition = ("--fail-if", "torch eager > 1.05x torch compile")
    assert command("compare", before, slower, *condition).code == ExitCode.PROBLEMS
    answer = command("compare", slower, before, "--fail-if", "torch eager > 1.2x torch compile")
    assert answer.code == ExitCode.DONE


def test_one_failed_condition_of_several_is_enough(
    command: Command, before: Path, slower: Path
) -> None:
    conditions = ("--fail-if", "jax: B > 1.05x A", "--fail-if", "torch: B > 1.05x A")
    answer = command("compare", before, slower, *conditions, "--format", "json")
    assert answer.code == ExitCode.PROBLEMS
    results = [finding["result"] for finding in json.loads(answer.out)["findings"]]
    assert results == ["passed", "failed"]


def test_what_cannot_be_told_ends_with_3(command: Command, before: Path, equal: Path) -> None:
    answer = command("compare", before, equal, "--fail-if", "numpy: B > 1.05x A")
    assert answer.code == ExitCode.INCOMPLETE
    assert "cannot be told" in answer.out
    absolute = ("--absolute", "--fail-if", "numpy: B > 1.05x A")
    assert command("compare", before, equal, *absolute).code == ExitCode.DONE


def test_a_noisy_run_ends_with_3(
    command: Command, before: Path, saved: Callable[[str, Run], Path]
) -> None:
    noisy = saved("noisy.json", made_run(seed=2, twin_factor=1.2))
    answer = command("compare", before, noisy)
    assert answer.code == ExitCode.INCOMPLETE
    assert "run B was too noisy" in answer.out


def test_runs_with_nothing_in_common_end_with_3(
    command: Command, before: Path, saved: Callable[[str, Run], Path]
) -> None:
    other = saved("other.json", made_run({"mxnet": 1e-3}, twin=None))
    answer = command("compare", before, other)
    assert answer.code == ExitCode.INCOMPLETE
    assert "only in B" in answer.out


def test_what_is_not_comparable_is_a_problem(
    command: Command, before: Path, saved: Callable[[str, Run], Path]
) -> None:
    run = made_run(seed=2)
    narrow = saved("narrow.json", structs.replace(run, plan=structs.replace(run.plan, cpus=(0,))))
    answer = command("compare", before, narrow)
    assert answer.code == ExitCode.PROBLEMS
    assert "not comparable: CPUs: 2 in A, 1 in B." in " ".join(answer.out.split())


def test_a_row_that_lost_its_speed_is_a_problem_and_one_that_never_had_one_is_not(
    command: Command, before: Path, saved: Callable[[str, Run], Path]
) -> None:
    def without_jax(seed: int) -> Path:
        run = made_run(seed=seed)
        crashed = Outcome(status="crashed", reason="so.")
        cells = tuple(
            structs.replace(cell, outcome=crashed) if cell.row.backend == "jax" else cell
            for cell in run.cells
        )
        return saved(f"crashed-{seed}.json", structs.replace(run, cells=cells))

    assert command("compare", before, without_jax(2)).code == ExitCode.PROBLEMS
    assert command("compare", without_jax(2), without_jax(3)).code == ExitCode.DONE
    assert command("compare", without_jax(2), before).code == ExitCode.DONE


@pytest.mark.parametrize("form", ["json", "markdown", "csv"])
def test_a_format_goes_to_standard_output_or_a_file(
    form: str, command: Command, before: Path, equal: Path, tmp_path: Path
) -> None:
    said = command("compare", before, equal, "--format", form)
    target = tmp_path / "out"
    written = command("compare", before, equal, "--format", form, "--output", target)
    assert (written.code, written.out) == (ExitCode.DONE, "")
    assert target.read_text(encoding="utf-8") == said.out


MISTAKES = {
    "condition": (("--fail-if", "torch > jax"), "not understood at character 9", "Such as: "),
    "row": (("--fail-if", "mxnet: B > 1x A"), "no row called `mxnet`", "Known: "),
    "workload": (("--fail-if", "B > 1x A on mlp-tony"), "called `mlp-tony`", "mlp-tiny"),
    "margin": (("--margin", "-1"), "the margin cannot be -1.0", "0.02"),
    "console": (("--output", "x"), "--output needs a --format", "markdown"),
    "place": (("--format", "csv", "--output", "/none/x"), "/none/x cannot be written", ""),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_a_hint(
    mistake: str, command: Command, before: Path, equal: Path
) -> None:
    words, said, hinted = MISTAKES[mistake]
    answer = command("compare", before, equal, *words)
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    first, *rest = answer.err.splitlines()
    assert first.startswith("error: ")
    assert said in first
    assert hinted in "".join(rest)


def test_a_file_that_is_no_run_is_told(command: Command, before: Path, tmp_path: Path) -> None:
    answer = command("compare", before, tmp_path / "none.json")
    assert answer.code == ExitCode.USAGE
    assert "none.json cannot be read" in answer.err
    assert command("compare", before).code == ExitCode.USAGE
