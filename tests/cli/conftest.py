"""The command line in this process, and as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from envdoctor.cli import dispatch

GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Runs a command here, through the doors that errors leave by."""

    def run(*arguments: str | Path) -> Answer:
        code = dispatch([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(int(code), captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def process() -> Callable[..., Answer]:
    """Runs a command as users do."""

    def run(*arguments: str | Path, **variables: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "envdoctor", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=600,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **variables},
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def golden() -> Path:
    return GOLDEN
