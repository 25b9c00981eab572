"""The guide shows what the command prints, and says of it what is so."""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path
from typing import get_args

import pytest

from envdoctor.choose.data import facts
from envdoctor.choose.records import PRIORITIES, Decision
from envdoctor.choose.setup import Setup
from envdoctor.choose.standings import MARGINS
from envdoctor.cli import dispatch
from envdoctor.errors import ExitCode
from envdoctor.model import codec
from envdoctor.model.facts import Cpu, Facts, System

MADE = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))
LINUX = System(name="Linux", release="6", architecture="x86_64", python="3.11")
FACTS = Facts(system=LINUX, cpu=Cpu(model="A Processor", logical=2, allowed=(0, 1), quota=None))
OURS = "numpy, torch, tensorflow, jax"


@pytest.fixture
def guide(open_page):
    return open_page("docs/guides/choose-a-framework.md")


def test_the_command_prints_what_the_guide_shows(guide, tmp_path, monkeypatch, capsys):
    times = {"numpy": 4e-4, "torch eager": 1e-3, "tensorflow graph": 8e-4, "jax jit": 2e-4}
    run = MADE["made_run"](times, facts=FACTS)
    codec.write(run, tmp_path / "envdoctor" / "runs" / f"{run.id}.json")
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    monkeypatch.setattr("envdoctor.cli.choose._examine", lambda _: Setup("Linux", "3.11"))
    monkeypatch.setattr("envdoctor.cli.choose._names", lambda _: tuple(OURS.split(", ")))
    monkeypatch.setenv("COLUMNS", "110")
    (block,) = [block for block in guide.blocks("text") if block.title]
    assert dispatch(shlex.split(block.title)[1:]) == ExitCode.DONE
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == block.text.splitlines()


def test_needs_are_those_of_the_facts(guide):
    told = {name: cells[0] for name, cells in guide.table("## Needs").items() if cells}
    for need in facts().needs:
        assert told[need.name] == need.summary


def test_decisions_and_priorities_are_those_of_the_code(guide):
    told = set(guide.table("## Measurements"))
    assert set(get_args(Decision)) | set(PRIORITIES) <= told
    text = " ".join(guide.text.split())
    assert f"beyond {MARGINS['memory'] * 100:.0f} %" in text
    assert f"beyond {MARGINS['start-up'] * 100:.0f} %" in text


def test_every_exit_code_is_told(guide):
    codes = {code for code in guide.table("## Exit codes") if code.isdecimal()}
    assert codes == {str(int(code)) for code in ExitCode if code != ExitCode.INTERRUPTED}
