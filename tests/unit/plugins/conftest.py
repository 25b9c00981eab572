"""The builders of snapshots, under one name."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

BUILDERS = runpy.run_path(str(Path(__file__).parents[2] / "support" / "snapshots.py"))


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """`made.snapshot(environment=made.environment(...))`: see tests/support/snapshots.py."""
    return SimpleNamespace(**BUILDERS)


@pytest.fixture(scope="session")
def run(made: SimpleNamespace):
    """`run("check-id", snapshot)`: the findings, as a list."""
    return made.run
