from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envdoctor.errors import ExitCode
from envdoctor.model import codec

Command = Callable[..., Any]
MADE = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))
IDS = ["20260301-120000-ab3", "20260201-120000-ab2", "20260101-120000-ab1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three stored runs, the latest with a slower row."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    monkeypatch.setenv("COLUMNS", "140")
    place = tmp_path / "envdoctor" / "runs"
    for month, name in enumerate(reversed(IDS), start=1):
        times = {**MADE["STEP_SECONDS"], "torch eager": 1.3e-3 if month == 3 else 1e-3}
        moment = f"2026-{month:02}-01T12:00:00+00:00"
        run = MADE["made_run"](times, seed=month, id=name, started_at=moment)
        codec.write(run, place / f"{name}.json")
    return place


def _left(folder: Path) -> list[str]:
    return sorted((path.stem for path in folder.glob("[!.]*.json")), reverse=True)


def test_list_is_newest_first(command: Command, folder: Path) -> None:
    (folder / "notes.json").write_text("{}")
    answer = command("runs", "list")
    assert answer.code == ExitCode.DONE
    lines = [line for line in answer.out.splitlines() if line.startswith("2026")]
    assert [line.split()[0] for line in lines] == IDS
    assert all("jax jit" in line for line in lines)
    assert "notes.json is not a run file" in answer.out


def test_list_as_json(command: Command, folder: Path) -> None:
    listing = json.loads(command("runs", "list", "--format", "json").out)
    assert [entry["id"] for entry in listing["runs"]] == IDS
    assert listing["schema"] == 1


def test_an_empty_folder_says_what_fills_it(command: Command, folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    assert "`envdoctor bench` keeps one there" in command("runs", "list").out.replace("\n", " ")


def test_a_name_does_for_the_id(command: Command, folder: Path) -> None:
    named = command("runs", "name", IDS[2], "base")
    assert named.err == f"{IDS[2]} is now `base`.\n"
    moved = command("runs", "name", "202602", "base")
    assert moved.err == f"{IDS[1]} is now `base`, which was {IDS[2]}.\n"
    shown = command("runs", "show", "base")
    table = command("bench", "--recompute", folder / f"{IDS[1]}.json")
    assert shown.out == table.out
    assert "torch eager" in shown.out


def test_delete_asks_and_obeys(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = command("runs", "delete", IDS[0])
    assert refused.code == ExitCode.USAGE
    assert "nobody can be asked here" in refused.err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    command("runs", "delete", IDS[0])
    assert _left(folder) == IDS
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    command("runs", "delete", IDS[0], IDS[0])
    assert _left(folder) == IDS[1:]


def test_prune_says_what_goes_and_keeps_names(command: Command, folder: Path) -> None:
    (folder / "notes.json").write_text("{}")
    command("runs", "name", IDS[2], "base")
    answer = command("runs", "prune", "--keep", "1", "--yes")
    assert answer.code == ExitCode.DONE
    assert f"{IDS[1]}  2026-02-01 12:00  mlp-tiny" in answer.err
    assert f"{IDS[2]} stays: it has a name." in answer.err
    assert _left(folder) == ["notes", IDS[0], IDS[2]]
    assert "Nothing to delete." in command("runs", "prune", "--keep", "1").err
    assert "prune needs a limit" in command("runs", "prune").err


def test_trend_judges_the_latest_change(command: Command, folder: Path) -> None:
    answer = command("runs", "trend", "mlp-tiny")
    assert answer.code == ExitCode.DONE
    assert f"The baseline is {IDS[1]}" in answer.out
    lines = [line for line in answer.out.splitlines() if line.startswith("torch eager  ")]
    assert "slower" in lines[-1]
    found = json.loads(command("runs", "trend", "mlp-tiny", "--format", "json").out)
    assert len(found["points"]) == 12
    alone = json.loads(
        command("runs", "trend", "mlp-tiny", "--row", "jax jit", "--format", "json").out
    )
    assert {point["row"]["backend"] for point in alone["points"]} == {"jax"}


def test_reports_and_comparisons_take_stored_runs(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    command("runs", "name", IDS[2], "base")
    target = tmp_path / "blocks.csv"
    assert command("report", "base", "--format", "csv", "-o", target).code == ExitCode.DONE
    by_file = tmp_path / "by-file.csv"
    command("report", folder / f"{IDS[2]}.json", "--format", "csv", "-o", by_file)
    assert target.read_bytes() == by_file.read_bytes()
    answer = command("compare", "base", IDS[0])
    assert answer.code == ExitCode.DONE
    assert f"A is run {IDS[2]} " in answer.out
    assert f"B is run {IDS[0]} " in answer.out
    refused = command("compare", "base", "nobody")
    assert (refused.code, refused.out) == (ExitCode.USAGE, "")
    assert "there is no stored run `nobody`" in refused.err


MISTAKES = {
    "run": (("show", "nobody"), "there is no stored run `nobody`", "envdoctor runs list"),
    "workload": (("trend", "none"), "no stored run has measured `none`", "mlp-tiny"),
    "row": (("trend", "mlp-tiny", "--row", "x"), "no stored run has a row `x`", "jax jit"),
    "name": (("name", IDS[0], "a b"), "`a b` cannot be a name", "Letters"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_a_hint(mistake: str, command: Command, folder: Path) -> None:
    words, said, hinted = MISTAKES[mistake]
    answer = command("runs", *words)
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    assert said in answer.err
    assert hinted in answer.err


@pytest.mark.parametrize("name", ["list", "show", "name", "delete", "prune", "trend"])
def test_every_command_has_examples(name: str, command: Command) -> None:
    text = command("runs", name, "--help").out
    assert text.count(f"  envdoctor runs {name}") >= 2
