"""A folder of stored runs."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from envdoctor.model import codec

MADE = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))


@pytest.fixture
def made():
    return MADE


@pytest.fixture
def store(tmp_path):
    """Keeps a made run of a month in the folder, and returns its path."""

    def keep(month=1, times=None, **fields):
        moment = f"2026-{month:02}-01T12:00:00+00:00"
        fields = {"id": f"2026{month:02}01-120000-ab{month:02}", "started_at": moment, **fields}
        run = MADE["made_run"](times or MADE["STEP_SECONDS"], seed=month, **fields)
        path = tmp_path / f"{run.id}.json"
        codec.write(run, path)
        return path

    return keep
