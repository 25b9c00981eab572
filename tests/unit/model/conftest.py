"""The recorded run that the reports are checked with."""

from __future__ import annotations

from pathlib import Path

import pytest

from envdoctor.model import codec
from envdoctor.model.run import Run

RECORDED = Path(__file__).parents[2] / "golden" / "run.json"


@pytest.fixture(scope="session")
def run() -> Run:
    return codec.read(RECORDED)
