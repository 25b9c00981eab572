"""The scripts of the harness, as modules and as programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "harness"


@pytest.fixture
def harness_path(monkeypatch):
    """Lets a test import the scripts as they import each other."""
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def run_script():
    def run(name, *arguments):
        command = [sys.executable, str(FOLDER / name), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=800)

    return run
