"""The guide shows what the commands print, and says of them what is so."""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path

import pytest

from envdoctor.cli import dispatch
from envdoctor.cli.runs import SHOWN
from envdoctor.errors import ExitCode
from envdoctor.library.folder import SHORTEST_PREFIX
from envdoctor.model import codec

MADE = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))


@pytest.fixture
def guide(open_page):
    return open_page("docs/guides/stored-runs.md")


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """The three runs of the guide."""
    for month in (1, 2, 3):
        times = {**MADE["STEP_SECONDS"], "torch eager": 1.3e-3 if month == 3 else 1e-3}
        run = MADE["made_run"](
            times,
            seed=month,
            id=f"2026{month:02}01-120000-ab{month:02}",
            started_at=f"2026-{month:02}-01T12:00:00+00:00",
            versions={"torch": "2.1" if month == 3 else "2.0"},
        )
        codec.write(run, tmp_path / "envdoctor" / "runs" / f"{run.id}.json")
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    monkeypatch.setenv("COLUMNS", "110")


def test_commands_print_what_the_guide_shows(guide, stored, capsys):
    shown = [block for block in guide.blocks("text") if block.title]
    assert len(shown) == 2
    for block in shown:
        assert dispatch(shlex.split(block.title)[1:]) == ExitCode.DONE
        lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        assert lines == block.text.splitlines()


def test_the_commands_of_the_guide_run(guide, stored, capsys):
    for line in guide.commands():
        assert dispatch([*shlex.split(line)[1:]]) == ExitCode.DONE, line


def test_numbers_are_those_of_the_code(guide):
    assert f"The newest {SHOWN} runs are listed" in guide.text
    assert SHORTEST_PREFIX == 4
    assert "four characters or more" in guide.text
