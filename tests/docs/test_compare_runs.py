"""The guide shows what the command prints, and says of it what is so."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from envdoctor.cli import dispatch
from envdoctor.errors import ExitCode
from envdoctor.model import codec
from envdoctor.statistics import conditions
from envdoctor.statistics.paired import LAUNCH_FLOOR
from envdoctor.statistics.verdicts import MARGIN

made = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))


@pytest.fixture
def guide(open_page):
    return open_page("docs/guides/compare-runs.md")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The two runs of the guide in the current folder."""
    slower = {**made["STEP_SECONDS"], "torch eager": 1.1e-3}
    codec.write(made["made_run"](seed=1), tmp_path / "before.json")
    after = made["made_run"](slower, seed=2, pace=1.06, versions={"torch": "1.1"})
    codec.write(after, tmp_path / "after.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    return tmp_path


def test_commands_print_what_the_guide_shows(guide, here, capsys):
    shown = [block for block in guide.blocks("text") if block.title]
    assert len(shown) == 2
    for block, code in zip(shown, (ExitCode.PROBLEMS, ExitCode.USAGE), strict=True):
        assert dispatch(shlex.split(block.title)[1:]) == code
        captured = capsys.readouterr()
        lines = [line.rstrip() for line in (captured.out + captured.err).splitlines()]
        assert lines == block.text.splitlines()


def test_the_command_of_the_guide_runs_with_its_files(guide, here, capsys):
    (line,) = [line for line in guide.commands() if line.startswith("envdoctor compare")]
    assert dispatch(shlex.split(line)[1:]) == ExitCode.PROBLEMS
    assert capsys.readouterr().err == ""


def test_examples_of_conditions_are_understood(guide):
    rows = guide.table("## Conditions")
    texts = [
        cells[0].strip("`") for form, cells in rows.items() if form.startswith(("runs", "rows"))
    ]
    assert len(texts) == 5
    parsed = [conditions.parse(text) for text in texts]
    assert [condition.between_runs for condition in parsed] == [True] * 3 + [False] * 2


def test_the_grammar_is_that_of_the_code(guide):
    (grammar,) = [block.text for block in guide.blocks("text") if block.text.startswith("COND")]
    told = [line.strip() for line in conditions.__doc__.splitlines()]
    assert all(line in told for line in grammar.splitlines())


def test_numbers_are_those_of_the_code(guide):
    assert f"differ by {LAUNCH_FLOOR * 100:g} % at least" in guide.text
    assert f"The margin is {MARGIN * 100:g} %" in guide.text


def test_every_exit_code_is_told(guide):
    codes = {code for code in guide.table("## Exit codes") if code.isdecimal()}
    assert codes == {str(int(code)) for code in ExitCode if code != ExitCode.INTERRUPTED}
    results = re.findall(r"^\| (failed|passed|cannot be told) ", guide.text, re.MULTILINE)
    assert len(results) == 3
