"""A backend taken from an environment in which envdoctor is not installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SITE = Path(sysconfig.get_paths()["purelib"])


NUMPY = {"numpy", "numpy.libs"}


def make_environment(folder, wanted):
    """A virtual environment that borrows what it is told to from the running one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    site = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    for entry in SITE.iterdir():
        if wanted(entry.name) and not (site / entry.name).exists():
            (site / entry.name).symlink_to(entry)
    return python


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Python and NumPy."""
    return make_environment(
        tmp_path_factory.mktemp("bare") / "venv", lambda name: name.split("-")[0] in NUMPY
    )


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Python alone."""
    return make_environment(tmp_path_factory.mktemp("empty") / "venv", lambda _: False)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Everything but envdoctor and what path files bring in."""
    return make_environment(
        tmp_path_factory.mktemp("full") / "venv",
        lambda name: "envdoctor" not in name and not name.endswith(".pth"),
    )


def can_import(python, module):
    asked = [str(python), "-c", f"import {module}"]
    return subprocess.run(asked, cwd="/", capture_output=True, check=False).returncode == 0


def test_the_bare_environment_has_numpy_but_not_envdoctor(bare):
    assert can_import(bare, "numpy")
    assert not can_import(bare, "envdoctor")
    assert not can_import(bare, "envdoctor_numpy")
    assert not can_import(bare, "msgspec")


def test_numpy_trains_in_an_environment_without_envdoctor(engine, cells, bare, mark):
    run = engine(mark=mark, backends=("numpy",), interpreters={"numpy": str(bare)})
    (cell,) = run.cells
    assert cell.outcome.status == "ok", cell.outcome
    assert cell.certificate.same_work
    assert len(cell.blocks) >= 2
    assert cell.row.interpreter == str(bare)
    assert run.plan.rows == (cell.row,)
    assert mark.survivors() == []


def test_the_folder_of_an_environment_stands_for_its_interpreter(engine, bare):
    run = engine(backends=("numpy",), interpreters={"numpy": str(bare.parent.parent)})
    assert run.cells[0].row.interpreter == str(bare)


def test_an_environment_without_numpy_is_said_to_lack_it(engine, empty):
    run = engine(backends=("numpy",), interpreters={"numpy": str(empty)})
    assert run.cells == ()
    (absent,) = run.unavailable
    assert absent.backend == "numpy"
    assert "numpy is not installed" in absent.reason
    assert str(empty.parent.parent) in absent.reason
    assert str(empty) in absent.remedy


def test_the_command_line_takes_a_backend_from_there(shell, speck, bare, tmp_path):
    chosen = ("--backend", "numpy", "--python", f"numpy={bare}")
    shown = shell(
        *("bench", speck, *chosen, "--threads", "1", "--quick"),
        *("--save", str(tmp_path / "run.json")),
    )
    assert shown.returncode == 0, f"{shown.stdout}{shown.stderr}"
    assert "numpy" in shown.stdout


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_torch_trains_in_an_environment_without_envdoctor(engine, full, mark):
    assert not can_import(full, "envdoctor")
    run = engine(
        *(), mark=mark, backends=("torch",), modes=("eager",), interpreters={"torch": str(full)}
    )
    (cell,) = run.cells
    assert cell.outcome.status == "ok", cell.outcome
    assert cell.certificate.same_work
    assert cell.certificate.tier == "G64"
    assert cell.row.interpreter == str(full)
    assert mark.survivors() == []
