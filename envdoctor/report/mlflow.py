"""A run as runs of MLflow: one for each row and workload, in an experiment called `envdoctor`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envdoctor.errors import IncompleteError
from envdoctor.report.curves import curves
from envdoctor.report.measures import measures

if TYPE_CHECKING:
    from envdoctor.model.run import Run

EXPERIMENT = "envdoctor"


def write(run: Run, place: str) -> None:
    """Log every row; `place` is a SQLite file, or an address that MLflow knows, such as http://.

    Raises:
        IncompleteError: MLflow is not installed, or refuses.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise IncompleteError(
            "the format mlflow needs MLflow, which is not installed.",
            "`python -m pip install mlflow` installs it.",
        ) from error
    address = place if "://" in place else f"sqlite:///{Path(place).resolve()}"
    try:
        _log(run, MlflowClient(tracking_uri=address))
    except MlflowException as error:
        raise IncompleteError(f"MLflow does not take the run: {error}.") from error


def _log(run: Run, client: Any) -> None:
    known = client.get_experiment_by_name(EXPERIMENT)
    experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT)
    started = round(datetime.fromisoformat(run.started_at).timestamp() * 1000)
    for found in measures(run):
        cell = found.cell
        made = client.create_run(
            experiment,
            start_time=started,
            run_name=f"{cell.workload} {cell.row.title}",
            tags={"envdoctor.run": run.id, "envdoctor.version": run.envdoctor_version},
        )
        for name, text in found.parameters.items():
            client.log_param(made.info.run_id, name, text)
        for name, value in found.metrics.items():
            client.log_metric(made.info.run_id, name, value, timestamp=started)
        for point in curves(cell):
            passed = started + round(point.training_seconds * 1000)
            client.log_metric(
                made.info.run_id, point.name, point.value, timestamp=passed, step=point.step
            )
        for step, loss in enumerate(cell.first_losses, start=1):
            client.log_metric(made.info.run_id, "loss", loss, timestamp=started, step=step)
        status = "FINISHED" if cell.comparable else "FAILED"
        client.set_terminated(made.info.run_id, status, end_time=started)
