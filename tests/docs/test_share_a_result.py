"""The guide's commands run as they stand, on a run made by hand."""

from __future__ import annotations

import runpy
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from envdoctor.cli import dispatch
from envdoctor.model import codec
from envdoctor.plugins import load_plugins
from envdoctor.report.folders import FOLDERS
from envdoctor.report.html import workload
from envdoctor.report.html.charts import subject
from envdoctor.report.table import tables

made = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))["made_run"]
NEEDS = {"-o page.html": "vl_convert", "--format mlflow": "mlflow"}


@pytest.fixture
def guide(open_page):
    return open_page("docs/guides/share-a-result.md")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The runs of the guide in the current folder."""
    for seed, name in enumerate(("run", "before", "after")):
        codec.write(made(seed=seed, launches=1, rounds=8), tmp_path / f"{name}.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _possible(line):
    return all(find_spec(module) for part, module in NEEDS.items() if part in line)


def test_its_commands_write_what_they_say(guide, here, capsys):
    lines = [line for line in guide.commands() if line.startswith("envdoctor report")]
    assert len(lines) == 8
    for line in filter(_possible, lines):
        words = shlex.split(line)
        if "mlflow" not in words:  # which takes seconds to import; its own tests try it
            assert dispatch(words[1:]) == 0, capsys.readouterr().err
            assert (here / words[-1]).exists()
            assert capsys.readouterr().err == f"written: {words[-1]}\n"


def test_every_format_is_in_it(guide):
    names = {each.name for each in load_plugins(strangers=False).exporters()} | set(FOLDERS)
    assert set(guide.table("## In other tools")) - {"format", "---"} == names


def test_every_chart_is_in_it_in_the_order_of_the_page(guide):
    run = made(launches=1, rounds=8)
    drawn = subject(run, tables(run)[0])
    headings = [chart(drawn).heading for chart in workload.CHARTS]
    assert [name for name in guide.table("## As a page") if name in headings] == headings


def test_its_python_runs(guide, here):
    guide.write_files(here, "python")
    command = [sys.executable, "look.py"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
    assert told.startswith("<envdoctor run made-0: 4 rows on mlp-tiny, finished>\n### mlp-tiny")


def test_a_format_that_is_none_is_a_mistake(here, capsys):
    assert dispatch(["report", "run.json", "--format", "pdf", "-o", "x.pdf"]) == 2
    assert "there is no format called `pdf`" in capsys.readouterr().err
    assert dispatch(["report", "run.json", "after.json", "--format", "csv", "-o", "x"]) == 2
    assert "takes one run" in capsys.readouterr().err
    assert dispatch(["report", "run.json", "--format", "csv", "-o", "no/such/folder"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_without_the_extra_one_sentence_says_what_to_install(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert dispatch(["report", "run.json", "-o", "page.html"]) == 3
    told = capsys.readouterr().err
    assert "vl-convert-python" in told
    assert 'python -m pip install "envdoctor[report]"' in told
    assert not (here / "page.html").exists()
