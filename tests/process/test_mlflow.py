"""Real runs of MLflow in a SQLite file, written by the command line and read by MLflow's client."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.model import codec
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run
from envdoctor.report.measures import measures

MISSING = [name for name in ("mlflow", "sqlalchemy", "alembic") if find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.timeout(900),
]

EVIL = "<script> ]]> '; drop table runs; --"
# In a process of its own: MLflow takes seconds to import, and brings warnings of its libraries.
READ = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
(experiment,) = [each for each in client.search_experiments() if each.name == "envdoctor"]
found = [
    {
        "name": run.info.run_name,
        "status": run.info.status,
        "start_ms": run.info.start_time,
        "tags": {key: value for key, value in run.data.tags.items() if "envdoctor" in key},
        "parameters": run.data.params,
        "metrics": run.data.metrics,
        "losses": [
            (point.step, point.value)
            for point in client.get_metric_history(run.info.run_id, "loss")
        ],
    }
    for run in client.search_runs([experiment.experiment_id])
]
print(json.dumps(found))
"""

made: Callable[..., Run] = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))[
    "made_run"
]


@pytest.fixture(scope="module")
def run() -> Run:
    """Two rows, one of a hostile version, and a third that crashed."""
    steps = {"numpy": 4e-4, "torch eager": 1e-3, "keras eager": 3e-4}
    plain = made(steps, launches=1, rounds=8, twin=None, versions={"torch": EVIL})
    cells = [
        structs.replace(cell, first_losses=tuple(2.5 / (step + number) for step in range(1, 6)))
        for number, cell in enumerate(plain.cells)
    ]
    crashed = Outcome(status="crashed", reason="killed by signal 9")
    cells[2] = structs.replace(cells[2], outcome=crashed, blocks=(), quality=None)
    return structs.replace(plain, cells=tuple(cells))


@pytest.fixture(scope="module")
def logged(run: Run, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The runs that MLflow's client finds, in the order of the rows."""
    folder = tmp_path_factory.mktemp("mlflow")
    codec.write(run, folder / "run.json")
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": str(folder)}
    words = ["report", "run.json", "--format", "mlflow", "-o", "new/mlflow.db"]
    for command in (
        [sys.executable, "-m", "envdoctor", *words],
        [sys.executable, "-c", READ, f"sqlite:///{folder / 'new' / 'mlflow.db'}"],
    ):
        done = subprocess.run(
            command,
            env=quiet,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["new", "run.json"]
    found = {each["parameters"]["backend"]: each for each in json.loads(done.stdout)}
    return [found[cell.row.backend] for cell in run.cells]


def test_a_run_for_each_row_says_where_it_comes_from(logged: list[dict[str, Any]]) -> None:
    assert [each["name"] for each in logged] == [
        "mlp-tiny numpy",
        "mlp-tiny torch eager",
        "mlp-tiny keras eager",
    ]
    assert [each["status"] for each in logged] == ["FINISHED", "FINISHED", "FAILED"]
    assert {each["start_ms"] for each in logged} == {1_767_268_800_000}
    tags = {"envdoctor.run": "made-0", "envdoctor.version": "0.1.0"}
    assert [each["tags"] for each in logged] == [tags] * 3


def test_parameters_are_those_of_the_rows(logged: list[dict[str, Any]], run: Run) -> None:
    for each, measured in zip(logged, measures(run), strict=True):
        assert each["parameters"] == {
            name: str(value) for name, value in measured.parameters.items()
        }
    assert logged[1]["parameters"]["version"] == EVIL
    assert logged[2]["parameters"]["status"] == "crashed"


def test_metrics_are_those_of_the_rows(logged: list[dict[str, Any]], run: Run) -> None:
    for each, measured in zip(logged, measures(run), strict=True):
        last = measured.cell.first_losses[-1]
        assert each["metrics"] == pytest.approx({**measured.metrics, "loss": last}, rel=1e-12)
    assert logged[0]["metrics"]["accuracy"] == 0.96
    assert "step_seconds" not in logged[2]["metrics"]


def test_losses_have_their_steps(logged: list[dict[str, Any]], run: Run) -> None:
    for each, cell in zip(logged, run.cells, strict=True):
        assert sorted(map(tuple, each["losses"])) == list(enumerate(cell.first_losses, start=1))
