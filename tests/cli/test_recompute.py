from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.errors import ExitCode
from envdoctor.model import codec
from envdoctor.model.cell import Cell
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("form", "name"), [("markdown", "run.md"), ("csv", "run.csv"), ("json", "run.json")]
)
def test_a_saved_run_gives_the_same_report_again(
    form: str, name: str, command: Command, golden: Path, tmp_path: Path
) -> None:
    saved, wanted = golden / "run.json", (golden / name).read_text(encoding="utf-8")
    assert command("bench", "--recompute", saved, "--format", form).out == wanted
    target = tmp_path / name
    answer = command("bench", "--recompute", saved, "--format", form, "--output", target)
    assert answer.out == ""
    assert target.read_text(encoding="utf-8") == wanted


def test_a_saved_run_gives_the_same_table_again(
    command: Command, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    answer = command("bench", "--recompute", golden / "run.json")
    assert answer.out == (golden / "console-110.txt").read_text(encoding="utf-8")
    assert answer.err == ""


@pytest.fixture
def saved(golden: Path, tmp_path: Path) -> Callable[..., Path]:
    """A run file with only these cells."""
    whole = codec.read(golden / "run.json")

    def write(*cells: Cell, **values: object) -> Path:
        run = structs.replace(whole, cells=cells, **values)
        codec.write(run, tmp_path / "run.json")
        return tmp_path / "run.json"

    return write


def _good(golden: Path) -> Cell:
    run: Run = codec.read(golden / "run.json")
    return run.cells[0]


def _with(cell: Cell, status: str) -> Cell:
    return structs.replace(cell, outcome=Outcome(status=status, reason="so."))


def test_a_run_in_which_all_is_well_ends_with_0(
    command: Command, saved: Callable[..., Path], golden: Path
) -> None:
    assert command("bench", "--recompute", saved(_good(golden))).code == ExitCode.DONE


def test_a_row_that_cannot_is_no_problem_but_one_that_fails_is(
    command: Command, saved: Callable[..., Path], golden: Path
) -> None:
    good = _good(golden)
    for status in ("failed", "crashed", "out_of_memory", "timed_out"):
        path = saved(good, _with(good, status))
        assert command("bench", "--recompute", path).code == ExitCode.PROBLEMS, status
    path = saved(good, _with(good, "unsupported"))
    assert command("bench", "--recompute", path).code == ExitCode.DONE


def test_an_unproven_row_and_a_missed_quality_are_problems(
    command: Command, saved: Callable[..., Path], golden: Path
) -> None:
    good = _good(golden)
    unproven = _with(good, "different")
    missed = structs.replace(good, quality=structs.replace(good.quality, reached=False))
    for cell in (unproven, missed):
        path = saved(good, cell)
        assert command("bench", "--recompute", path).code == ExitCode.PROBLEMS


def test_a_backend_that_was_wanted_and_is_not_there_is_a_problem(
    command: Command, saved: Callable[..., Path], golden: Path
) -> None:
    path = saved(_good(golden))
    assert command("bench", "--recompute", path, "--backend", "mxnet").code == ExitCode.PROBLEMS


def test_an_interrupted_run_is_told_as_that(
    command: Command, saved: Callable[..., Path], golden: Path
) -> None:
    path = saved(_good(golden), state="interrupted")
    assert command("bench", "--recompute", path).code == ExitCode.INTERRUPTED


def test_a_machine_that_was_too_noisy_to_rank_is_not_called_done(
    command: Command, tmp_path: Path
) -> None:
    made_run = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))["made_run"]
    for noise, code in ((0.01, ExitCode.DONE), (0.15, ExitCode.INCOMPLETE)):
        codec.write(made_run(noise=noise, twin_factor=1 + noise), tmp_path / "run.json")
        answer = command("bench", "--recompute", tmp_path / "run.json")
        assert answer.code == code, noise
        assert ("too noisy to rank" in answer.out) == (code == ExitCode.INCOMPLETE)
