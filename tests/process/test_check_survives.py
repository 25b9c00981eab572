"""The whole of `envdoctor check` where what it could rely on is missing, or kills whoever asks."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SUPPORT = runpy.run_path(str(Path(__file__).parents[1] / "support" / "patients.py"))
FRAMEWORKS = (
    *("flax", "jax", "jaxlib", "keras", "lightning", "mindspore", "mlx", "numpy", "paddle"),
    *("tensorflow", "tinygrad", "torch", "transformers"),
)
DEADLY = b"import os\nos.abort()\n"

Check = Callable[..., dict[str, Any]]


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    SUPPORT["quiet"](monkeypatch, tmp_path / "home")
    return SUPPORT["Patient"](tmp_path / "env")


@pytest.fixture
def check(patient: Any, target_of: Callable[..., dict[str, Any]]) -> Check:
    """Run every check behind a command; the target of the report."""

    def call(*before: str, **variables: str) -> dict[str, Any]:
        return target_of(patient.python, before=before, **variables)

    return call


def failures(target: dict[str, Any]) -> list[str]:
    return [each["id"] for each in target["findings"] if each["status"] == "fail"]


def test_frameworks_that_kill_whoever_imports_them(
    patient: Any, check: Check, tmp_path: Path
) -> None:
    deadly = tmp_path / "deadly"
    for name in FRAMEWORKS:
        (deadly / name).mkdir(parents=True)
        (deadly / name / "__init__.py").write_bytes(DEADLY)
        patient.write(f"{name}/__init__.py", DEADLY)
    # Both the environment that is looked at and the one that looks would find them first.
    target = check(PYTHONPATH=os.pathsep.join([str(deadly), os.environ.get("PYTHONPATH", "")]))
    modules = target["snapshot"]["environment"]["modules"]
    asked = [name for name in FRAMEWORKS if name in modules]
    assert {"torch", "tensorflow", "jax", "keras", "numpy"} <= set(asked)
    for name in asked:
        assert modules[name] == str(deadly / name / "__init__.py")


@pytest.mark.parametrize("hidden", [("/sys",), ("/proc",), ("/proc", "/sys")], ids=" ".join)
def test_a_machine_without(hidden: tuple[str, ...], namespace: list[str], check: Check) -> None:
    lines = [f"mount -t tmpfs none {each}" for each in hidden]
    script = "\n".join(["set -e", *lines, 'exec "$@"'])
    target = check(*namespace, "sh", "-c", script, "sh")
    assert failures(target) == []
    assert target["snapshot"]["environment"]["interpreter"]["version"]


def test_a_home_that_cannot_be_written(namespace: list[str], check: Check, tmp_path: Path) -> None:
    home = tmp_path / "home"
    script = f'set -e\nmount -t tmpfs -o ro none {home}\nexec "$@"'
    assert failures(check(*namespace, "sh", "-c", script, "sh")) == []


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(patient: Any, tmp_path: Path, closed: str) -> None:
    check_id = "broken-install-record-mismatch"
    options = f'--only {check_id} --python "{patient.python}"'
    command = f'exec "{sys.executable}" -m envdoctor check {options} {closed}'

    def ending() -> int:
        ended = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, capture_output=True, check=False, timeout=600
        )
        assert b"error" not in ended.stderr
        return ended.returncode

    patient.install("sound", "1.0", "sound/__init__.py", "sound/part.py")
    assert ending() == 0
    patient.remove("sound/part.py")
    assert ending() == 1
