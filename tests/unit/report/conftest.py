"""The run with every kind of row, and the comparison with golden files."""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from envdoctor.model.run import (
    Run,
)

GOLDEN = Path(__file__).parents[2] / "golden"
SUPPORT = Path(__file__).parents[2] / "support"


@pytest.fixture(scope="session")
def golden() -> Callable[[str, str], None]:
    """Compares a text with a golden file; with UPDATE_GOLDEN=1 it writes the file anew."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN") == "1":
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), "UPDATE_GOLDEN=1 pytest writes it anew"

    return compare


@pytest.fixture(scope="session")
def run() -> Run:
    made: Run = runpy.run_path(str(SUPPORT / "every_row.py"))["every_row"]()
    return made
