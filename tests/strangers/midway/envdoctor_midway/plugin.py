"""Raises when half of its records are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.api import WorkloadFile, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_workloads() -> Iterator[WorkloadFile]:
    """Yields one record, then looks for something that is not there."""
    yield WorkloadFile(name="midway-first", path=Path("first.toml"))
    raise FileNotFoundError("second.toml went missing")
