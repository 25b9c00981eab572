from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete

from envdoctor.cli.candidates import MOST_RUNS
from envdoctor.cli.completion import SHELLS, VARIABLE
from envdoctor.cli.main import main
from envdoctor.library.names import set_name
from envdoctor.plugins import load_plugins

Command = Callable[..., Any]
FRAMEWORKS = {"torch", "tensorflow", "jax", "jaxlib", "keras", "paddle", "mlx", "transformers"}


def _complete(*words: str) -> list[str]:
    *before, incomplete = words
    completer = ShellComplete(main, {}, "envdoctor", VARIABLE)
    return [item.value for item in completer.get_completions(before, incomplete)]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_asks_envdoctor_itself(shell: str, command: Command) -> None:
    answer = command("completion", shell)
    assert (answer.code, answer.err) == (0, "")
    assert f"{VARIABLE}={shell}_complete" in answer.out
    assert "%(" not in answer.out
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=answer.out, text=True, check=True, timeout=30)


def test_another_shell_is_refused(command: Command) -> None:
    answer = command("completion", "tcsh")
    assert (answer.code, answer.out) == (2, "")
    assert "fish" in answer.err


def test_commands_and_options_are_completed() -> None:
    assert {"bench", "check", "completion"} <= set(_complete(""))
    assert _complete("bench", "--ti") == ["--time-limit"]


def test_names_of_plugins_are_completed() -> None:
    loaded = load_plugins()
    assert _complete("bench", "mlp-t") == ["mlp-tiny"]
    assert _complete("parity", "--backend", "") == [each.name for each in loaded.backends()]
    assert _complete("check", "--explain", "") == [each.id for each in loaded.checks()]
    assert _complete("check", "--skip", "torch-cpu-w") == ["torch-cpu-wheel-on-gpu-host"]
    assert _complete("bench", "--format", "mark") == ["markdown"]
    assert "html" in _complete("report", "run.json", "--format", "")
    assert _complete("bench", "--device", "cu") == ["cuda", "cuda:1"]


def test_modes_are_those_of_the_backends_that_were_chosen() -> None:
    every = set(_complete("bench", "--mode", ""))
    chosen = _complete("bench", "--backend", "torch", "--mode", "")
    torch = next(each for each in load_plugins().backends() if each.name == "torch")
    assert chosen == [mode.name for mode in torch.modes]
    assert set(chosen) < every


@pytest.mark.parametrize("incomplete", ["./my", "/", "~/", "no-such-workload"])
def test_where_no_name_fits_the_shell_offers_files(incomplete: str) -> None:
    completer = ShellComplete(main, {}, "envdoctor", VARIABLE)
    (item,) = completer.get_completions(["bench"], incomplete)
    assert item.type == "file"


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty files of runs, whose content does not matter, and two names."""
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    folder = tmp_path / "envdoctor" / "runs"
    folder.mkdir(parents=True)
    for number in range(60):
        (folder / f"20260101-1200{number:02}-ab12.json").touch()
    (folder / ".index.json").touch()
    set_name(folder, "base", "20260101-120007-ab12")
    set_name(folder, "2nd", "20260101-120008-ab12")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "show"),
        ("runs", "name"),
        ("runs", "delete", "base"),
        ("report",),
        ("report", "base"),
        ("compare",),
        ("compare", "base"),
        ("choose", "--run"),
    ],
)
def test_stored_runs_are_completed_by_name_and_newest_id(
    words: tuple[str, ...], stored: Path
) -> None:
    assert _complete(*words, "b") == ["base"]
    offered = _complete(*words, "2")
    assert offered[:3] == ["2nd", "20260101-120059-ab12", "20260101-120058-ab12"]
    assert len(offered) == MOST_RUNS + 1
    assert _complete(*words, "20260101-120005") == ["20260101-120005-ab12"]


def test_without_stored_runs_files_are_offered(tmp_path: Path, stored: Path) -> None:
    completer = ShellComplete(main, {}, "envdoctor", VARIABLE)
    for incomplete in ("./", "run.json"):
        (item,) = completer.get_completions(["report"], incomplete)
        assert item.type == "file"
    for path in [*stored.glob("*.json"), *stored.glob(".names/*")]:
        path.unlink()
    assert _complete("runs", "show", "") == []


def test_what_cannot_be_loaded_completes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from envdoctor import plugins
    from envdoctor.errors import InputError

    def fail(**_: object) -> None:
        raise InputError("two plugins offer the same.")

    monkeypatch.setattr(plugins, "load_plugins", fail)
    assert _complete("bench", "--backend", "") == []


def test_completing_imports_no_framework_and_no_numpy() -> None:
    code = (
        "import sys\n"
        "from envdoctor.cli import dispatch\n"
        "dispatch([])\n"
        "print()\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    asked = {
        VARIABLE: "bash_complete",
        "COMP_WORDS": "envdoctor bench --backend to",
        "COMP_CWORD": "3",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    answer, _, modules = done.stdout.strip().rpartition("\n")
    assert "plain,torch" in answer.splitlines()
    assert done.stderr == ""
    assert set(modules.split()) & {*FRAMEWORKS, "numpy", "rich"} == set()
