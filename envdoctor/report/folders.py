"""Formats that are no single text: each writes one run to a place of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from envdoctor.model.run import Run


def _write_mlflow(run: Run, place: str) -> None:
    from envdoctor.report import mlflow

    mlflow.write(run, place)


def _write_tensorboard(run: Run, place: str) -> None:
    from envdoctor.report import tensorboard

    tensorboard.write(run, place)


FOLDERS: dict[str, Callable[[Run, str], None]] = {
    "mlflow": _write_mlflow,
    "tensorboard": _write_tensorboard,
}
"""By the name of the format; the place is a folder, or for MLflow a SQLite file or an address."""
