"""A run as runs of MLflow: one for each row and workload, in an experiment called `envdoctor`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envdoctor.errors import IncompleteError, InputError
from envdoctor.report.beginning import seconds_since_1970
from envdoctor.report.curves import curves
from envdoctor.report.measures import measures

if TYPE_CHECKING:
    from envdoctor.model.run import Run

EXPERIMENT = "envdoctor"
LOCK_SECONDS = 5.0
"""How long another program may be writing to the file."""


def write(run: Run, place: str) -> None:
    """Log every row; `place` is a SQLite file, or an address that MLflow knows, such as http://.

    Raises:
        IncompleteError: MLflow is not installed, or refuses.
        InputError: the file cannot be written or is no database, or the run does not say when it
            began.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise IncompleteError(
            "the format mlflow needs MLflow, which is not installed.",
            "`python -m pip install mlflow` installs it.",
        ) from error
    started_ms = round(seconds_since_1970(run) * 1000)
    address = place if "://" in place else _database(place)
    try:
        _log(run, MlflowClient(tracking_uri=address), started_ms)
    except MlflowException as error:
        raise IncompleteError(f"MLflow does not take the run: {error}.") from error
    except ImportError as error:
        raise IncompleteError(
            f"MLflow needs {error.name} for this place, which is not installed.",
            "`python -m pip install mlflow` installs all of it; mlflow-skinny has no databases.",
        ) from error


def _database(place: str) -> str:
    """The address of a SQLite file, tried first: MLflow tries a hopeless one again for minutes."""
    try:
        path = Path(place).resolve()
        # MLflow reads the name as part of an address, and would write another file.
        if set(str(path)) & set("?%"):
            raise InputError(f"{place} cannot be written (MLflow takes no `?` and no `%` in it).")
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except (OSError, ValueError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{place} cannot be written ({reason}).",
            "Give a SQLite file, new or of MLflow, or an address such as http://localhost:5000.",
        ) from error
    return f"sqlite:///{path}"


def _log(run: Run, client: Any, started_ms: int) -> None:
    known = client.get_experiment_by_name(EXPERIMENT)
    experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT)
    for found in measures(run):
        cell = found.cell
        made = client.create_run(
            experiment,
            start_time=started_ms,
            run_name=f"{cell.workload} {cell.row.title}",
            tags={"envdoctor.run": run.id, "envdoctor.version": run.envdoctor_version},
        )
        for name, text in found.parameters.items():
            client.log_param(made.info.run_id, name, text)
        for name, value in found.metrics.items():
            client.log_metric(made.info.run_id, name, value, timestamp=started_ms)
        for point in curves(cell):
            passed = started_ms + round(point.training_seconds * 1000)
            client.log_metric(
                made.info.run_id, point.name, point.value, timestamp=passed, step=point.step
            )
        for step, loss in enumerate(cell.first_losses, start=1):
            client.log_metric(made.info.run_id, "loss", loss, timestamp=started_ms, step=step)
        status = "FINISHED" if cell.comparable else "FAILED"
        client.set_terminated(made.info.run_id, status, end_time=started_ms)
