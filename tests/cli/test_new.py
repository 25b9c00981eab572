from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envdoctor.errors import ExitCode
from envdoctor.testing import REQUIREMENTS

Command = Callable[..., Any]
FILES = {
    "README.md",
    "pyproject.toml",
    "envdoctor_my_thing/__init__.py",
    "envdoctor_my_thing/plugin.py",
    "envdoctor_my_thing/trainer.py",
    "tests/test_conformance.py",
}
DONE_AS_WRITTEN = {"record", "variables", "light", "syntax", "refusals"}
"""What the skeleton keeps before a line was added."""
BESIDE_THE_POINT = {"rounding"}
"""What it is not asked: it offers no reduced precision. All else asks for a method."""


@pytest.fixture
def skeleton(command: Command, tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    answer = command("new", "backend", "my-thing", "--output", folder)
    assert answer.code == ExitCode.DONE, answer.err
    assert f"{folder}: {len(FILES)} files" in answer.out
    return folder


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_writes_a_whole_distribution(skeleton: Path) -> None:
    assert files_of(skeleton) == FILES
    project = tomllib.loads((skeleton / "pyproject.toml").read_text())["project"]
    assert project["name"] == "envdoctor-my-thing"
    assert project["entry-points"]["envdoctor"] == {"my-thing": "envdoctor_my_thing.plugin"}
    assert not [path for path in files_of(skeleton) if "$" in (skeleton / path).read_text()]


def test_without_a_place_it_goes_into_a_folder_of_its_own_name(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("new", "backend", "my-thing").code == ExitCode.DONE
    assert files_of(tmp_path / "envdoctor-my-thing") == FILES


@pytest.mark.parametrize("tool", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)])
def test_it_passes_lint_and_types_as_it_is_written(tool: tuple[str, ...], skeleton: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *tool, *((".",) if tool[0] == "ruff" else ())],
        cwd=skeleton,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_long_names_fit_too(command: Command, tmp_path: Path) -> None:
    name = "a-framework-with-an-exceedingly-long-nam"
    module = name.replace("-", "_")
    done = command("new", "backend", name, "--module", module, "--output", tmp_path / "long")
    assert done.code == ExitCode.DONE
    for path in (tmp_path / "long").rglob("*.py"):
        text = path.read_text()
        ast.parse(text, feature_version=(3, 9))
        assert max(map(len, text.splitlines())) <= 100, path


@pytest.mark.timeout(900)
def test_it_fails_the_kit_only_where_something_is_to_be_written(skeleton: Path) -> None:
    about = skeleton / "envdoctor_my_thing-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: envdoctor-my-thing\nVersion: 0\n")
    (about / "entry_points.txt").write_text("[envdoctor]\nmy-thing = envdoctor_my_thing.plugin\n")
    done = subprocess.run(
        [sys.executable, "-m", "envdoctor.testing", "my-thing", "--format", "json"],
        env={**os.environ, "PYTHONPATH": str(skeleton)},
        cwd=skeleton,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.PROBLEMS, done.stdout + done.stderr
    verdicts = json.loads(done.stdout)
    assert len(verdicts) == len(REQUIREMENTS)
    for verdict in verdicts:
        if verdict["requirement"] in DONE_AS_WRITTEN:
            assert verdict["status"] == "passed", verdict
        elif verdict["requirement"] in BESIDE_THE_POINT:
            assert verdict["status"] == "not applicable", verdict
        else:
            assert verdict["status"] == "failed", verdict
            assert "NotImplementedError: write `__init__`: build the layers" in verdict["detail"]


@pytest.mark.parametrize("name", ["My-Thing", "my_thing", "2fast", "-mine", "my--thing", "a" * 41])
def test_a_name_that_cannot_be_one_is_told(name: str, command: Command, tmp_path: Path) -> None:
    answer = command("new", "backend", "--output", tmp_path / "x", "--", name)
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    first, second = answer.err.splitlines()
    assert first == f"error: `{name}` cannot be the name of a backend."
    assert "such as my-framework" in second
    assert not (tmp_path / "x").exists()


def test_a_name_that_is_taken_is_told(command: Command, tmp_path: Path) -> None:
    answer = command("new", "backend", "numpy", "--output", tmp_path / "x")
    assert answer.code == ExitCode.USAGE
    assert "there is a backend called `numpy` already." in answer.err


@pytest.mark.parametrize("module", ["my.thing", "import", "a b"])
def test_a_module_that_nobody_can_import_is_told(
    module: str, command: Command, tmp_path: Path
) -> None:
    answer = command("new", "backend", "mine", "--module", module, "--output", tmp_path / "x")
    assert answer.code == ExitCode.USAGE
    assert f"`{module}` cannot be the name of a module." in answer.err


def test_nothing_is_ever_overwritten(command: Command, skeleton: Path) -> None:
    before = {path: (skeleton / path).read_bytes() for path in files_of(skeleton)}
    answer = command("new", "backend", "other-thing", "--output", skeleton)
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    assert f"{skeleton} is there already." in answer.err
    assert before == {path: (skeleton / path).read_bytes() for path in files_of(skeleton)}


def test_an_empty_folder_is_as_good_as_none(command: Command, tmp_path: Path) -> None:
    assert command("new", "backend", "my-thing", "--output", tmp_path).code == ExitCode.DONE
    assert files_of(tmp_path) == FILES


def test_a_place_that_cannot_be_written_is_told(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = command("new", "backend", "my-thing", "--output", tmp_path / "file" / "deep")
    assert answer.code == ExitCode.USAGE
    assert "cannot be written (Not a directory)" in answer.err
