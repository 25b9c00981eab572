from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from msgspec import structs

from envdoctor.choose.setup import Installed, Setup
from envdoctor.detect.cpu import read_cpu
from envdoctor.errors import ExitCode
from envdoctor.model import codec
from envdoctor.model.facts import Facts
from envdoctor.plugins import load_plugins

Command = Callable[..., Any]
MADE = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))
TIMES = {"numpy": 4e-4, "torch eager": 1e-3, "jax jit": 2e-4}
BACKENDS = {backend.name for backend in load_plugins(strangers=False).backends()}
SETUP = Setup(system="Linux", python="3.11", installed={"torch": Installed(version="2.13.0")})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No stored run yet, on a machine that need not be examined."""
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    monkeypatch.setattr("envdoctor.cli.choose._examine", lambda _: SETUP)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path / "envdoctor" / "runs"


@pytest.fixture
def stored(folder: Path) -> Path:
    """A stored run of this machine."""
    run = MADE["made_run"](TIMES, facts=Facts(cpu=read_cpu()), workloads=("mlp-tiny", "cnn-tiny"))
    path = folder / f"{run.id}.json"
    codec.write(run, path)
    return path


def test_the_newest_run_of_this_machine_decides(command: Command, stored: Path) -> None:
    other = MADE["made_run"](TIMES, id="other", started_at="2026-05-01T00:00:00+00:00")
    codec.write(other, stored.with_name("other.json"))
    answer = command("choose")
    assert answer.code == ExitCode.DONE
    assert answer.err == ""
    assert answer.out.startswith("jax: it is fastest; torch takes ")
    assert "By run made-0 " in answer.out


@pytest.mark.parametrize("words", [("--run", "made-0"), ("--run", "PATH"), ("mlp-tiny",)])
def test_a_run_is_named_by_id_or_file_or_workload(
    words: tuple[str, ...], command: Command, stored: Path
) -> None:
    answer = command("choose", *(str(stored) if word == "PATH" else word for word in words))
    assert answer.code == ExitCode.DONE
    only = words == ("mlp-tiny",)
    assert ("on mlp-tiny (" if only else "on mlp-tiny, cnn-tiny (") in answer.out


def test_a_file_of_the_user_is_known_by_what_it_describes(
    command: Command, stored: Path, tmp_path: Path
) -> None:
    from envdoctor.bench.plan import Wishes, prepare_all
    from envdoctor.bench.records import record_workload

    speck = str(Path(__file__).parents[1] / "process" / "speck.toml")
    (prepared,) = prepare_all(load_plugins(strangers=False), Wishes(workloads=(speck,)))
    record = record_workload(prepared)
    refused = command("choose", speck)
    assert f"No stored run has finished {record.name}." in refused.err
    run = MADE["made_run"](TIMES, facts=Facts(cpu=read_cpu()), workloads=(record.name,))
    codec.write(run, stored)
    assert (
        "No stored run is of this machine and of this description" in command("choose", speck).err
    )
    codec.write(structs.replace(run, workloads=(record,)), stored)
    answer = command("choose", speck)
    assert answer.code == ExitCode.DONE
    assert f"on {record.name} (" in answer.out


def test_without_a_run_it_says_so_and_how_to_get_one(command: Command, folder: Path) -> None:
    answer = command("choose", "--need", "python=3.14")
    assert answer.code == ExitCode.INCOMPLETE
    assert answer.err == "There is no stored run. `envdoctor choose --measure` makes one.\n"
    assert "tensorflow" in answer.out
    assert "ruled out" in answer.out


def test_a_fresh_run_is_a_quick_one(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def work(_: Any, values: dict[str, Any], __: Any) -> Any:
        asked.update(values)
        return MADE["made_run"](TIMES)

    monkeypatch.setattr("envdoctor.cli.bench._run", work)
    answer = command("choose", "mlp-tiny", "--measure", "--quiet")
    assert answer.code == ExitCode.DONE
    assert (asked["preset"], asked["workloads"], asked["quiet"]) == ("quick", ("mlp-tiny",), True)


def test_nothing_is_measured_where_nothing_fits(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVDOCTOR_DISABLE_PLUGINS", ",".join(BACKENDS - {"numpy"}))
    monkeypatch.setattr("envdoctor.cli.bench._run", None)
    answer = command("choose", "mlp-tiny", "--measure")
    assert answer.code == ExitCode.PROBLEMS
    assert answer.err == "Nothing fits, so nothing is measured.\n"
    assert answer.out.startswith("There is nothing to choose from: numpy is no framework")


SPECK = Path(__file__).parents[1] / "process" / "speck.toml"
SLOWED = Path(__file__).parents[1] / "strangers" / "slowed"


@pytest.mark.slow
@pytest.mark.parametrize("workload", ["mlp-tiny", str(SPECK)])
def test_a_fresh_measurement_decides_and_is_kept(workload: str, tmp_path: Path) -> None:
    """The whole road, as users go it, with the backend that always runs and a stranger like it."""
    variables = {
        **os.environ,
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "ENVDOCTOR_DISABLE_PLUGINS": ",".join(BACKENDS - {"numpy"}),
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(SLOWED)])),
    }
    words = ["choose", workload, "--measure", "--quiet", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "envdoctor", *words],
        env=variables,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == ExitCode.DONE, done.stderr
    answer = json.loads(done.stdout)
    (path,) = (tmp_path / "data").rglob("[!.]*.json")
    run = json.loads(path.read_bytes())
    name = Path(workload).stem
    assert (answer["measurement"]["run"], answer["measurement"]["workloads"]) == (run["id"], [name])
    assert (answer["decision"], answer["recommended"]) == ("one", ["slowed"])  # numpy is no choice
    (slowed,) = [each for each in answer["candidates"] if each["framework"] == "slowed"]
    assert slowed["value"] == pytest.approx(_step_seconds(run, slowed["row"]), rel=1e-9)


def _step_seconds(run: dict[str, Any], title: str) -> float:
    """The middle of a row's kept blocks, from the raw data."""
    backend, mode = title.split()
    (cell,) = [
        cell
        for cell in run["cells"]
        if (cell["row"]["backend"], cell["row"]["mode"], cell["row"]["twin"])
        == (backend, mode, False)
    ]
    turns = ("workload", "launch", "round", "attempt")
    kept = {tuple(each[name] for name in turns) for each in run["rounds"] if each["kept"]}
    return median(
        block["wall_ns"] * 1e-9 / block["steps"]
        for block in cell["blocks"]
        if (cell["workload"], *(block[name] for name in turns[1:])) in kept
    )


def test_an_interrupted_measurement_recommends_nothing(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = MADE["made_run"](TIMES, state="interrupted")
    monkeypatch.setattr("envdoctor.cli.bench._run", lambda *_: run)
    answer = command("choose", "--measure")
    assert (answer.code, answer.out) == (ExitCode.INTERRUPTED, "")


def test_nothing_that_fits_is_a_problem(
    command: Command, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVDOCTOR_DISABLE_PLUGINS", ",".join(BACKENDS - {"tensorflow", "numpy"}))
    answer = command("choose", "--need", "apple-gpu")
    assert answer.code == ExitCode.PROBLEMS
    assert answer.out.startswith("No framework is known to meet apple-gpu.")


def test_a_noisy_run_is_incomplete(command: Command, stored: Path) -> None:
    noisy = MADE["made_run"](TIMES, twin_factor=1.3, facts=Facts(cpu=read_cpu()))
    codec.write(noisy, stored)
    assert command("choose").code == ExitCode.INCOMPLETE


@pytest.mark.parametrize("form", ["json", "markdown"])
def test_other_formats_go_to_a_file_too(
    form: str, command: Command, stored: Path, tmp_path: Path
) -> None:
    said = command("choose", "--format", form)
    target = tmp_path / "out"
    written = command("choose", "--format", form, "--output", target)
    assert (written.code, written.out) == (ExitCode.DONE, "")
    assert target.read_text(encoding="utf-8") == said.out
    if form == "json":
        assert json.loads(said.out)["recommended"] == ["jax"]


def test_needs_are_listed(command: Command, folder: Path) -> None:
    answer = command("choose", "--list-needs")
    assert answer.code == ExitCode.DONE
    assert "export-onnx" in answer.out
    assert "python=3.14" in answer.out


MISTAKES = {
    "need": (("--need", "gpus"), "there is no need called `gpus`", "export-onnx"),
    "run": (("--run", "nobody"), "there is no stored run `nobody`", "envdoctor runs list"),
    "both": (("--run", "made-0", "--measure"), "exclude each other", "Take one"),
    "console": (("--output", "x"), "--output needs a --format", "markdown"),
    "workload": (("lstm-tiny", "--run", "made-0"), "has not measured lstm-tiny", "cnn-tiny"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_a_hint(mistake: str, command: Command, stored: Path) -> None:
    words, said, hinted = MISTAKES[mistake]
    answer = command("choose", *words)
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    assert said in answer.err
    assert hinted in answer.err


def test_what_the_doctor_finds_here_is_shown(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole road once: detectors, survey and checks of this very environment."""
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    answer = command("choose", "--format", "json")
    found = {each["framework"]: each for each in json.loads(answer.out)["candidates"]}
    assert found["numpy"]["version"]
    assert found["numpy"]["hindrance"] == ""
