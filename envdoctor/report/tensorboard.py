"""A run as event files of TensorBoard: a folder a row, with curves and a line of parameters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.errors import InputError
from envdoctor.report import event_file
from envdoctor.report.beginning import seconds_since_1970
from envdoctor.report.curves import curves
from envdoctor.report.measures import measures
from envdoctor.report.sentences import row_names
from envdoctor.statistics.pairing import kept_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.run import Run
    from envdoctor.report.measures import Measures

_UNSAFE = re.compile(r"[^\w.+-]+")
FILE = "events.out.tfevents.{seconds}.envdoctor"


def write(run: Run, place: str) -> None:
    """Write `WORKLOAD/ROW/events.out.tfevents...` below a folder, anew if it is there.

    Raises:
        InputError: the folder cannot be written, or the run does not say when it began.
    """
    seconds = seconds_since_1970(run)
    try:
        for folder, found in _folders(run, Path(place)):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / FILE.format(seconds=round(seconds))
            path.write_bytes(b"".join(_events(run, found, seconds)))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{place} cannot be written ({reason}).") from error


def _folders(run: Run, place: Path) -> Iterator[tuple[Path, Measures]]:
    """A folder for each row, whose name no stranger can lead elsewhere, and no two alike."""
    taken: set[Path] = set()
    names = {
        (cell.workload, row): name
        for workload in run.workloads
        for cells in [[c for c in run.cells if c.workload == workload.name and not c.row.twin]]
        for cell in cells
        for row, name in row_names(cells).items()
    }
    for found in measures(run):
        cell = found.cell
        plain = place / _safe(cell.workload) / _safe(names[cell.workload, cell.row])
        folder, number = plain, 2
        while folder in taken:
            folder, number = plain.with_name(f"{plain.name}-{number}"), number + 1
        taken.add(folder)
        yield folder, found


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name).strip(".") or "_"


def _events(run: Run, found: Measures, seconds: float) -> Iterator[bytes]:
    """The curves of training, first losses and blocks, then the parameters with the metrics.

    The time of a point of the training is that of its steps, on TensorBoard's axis `relative`.
    """
    cell = found.cell
    yield event_file.header(seconds)
    for point in curves(cell):
        passed = seconds + point.training_seconds
        yield event_file.scalar(point.name, point.value, step=point.step, seconds=passed)
    for step, loss in enumerate(cell.first_losses, start=1):
        yield event_file.scalar("loss", loss, step=step, seconds=seconds)
    blocks = kept_blocks(run, cell) if cell.comparable else []
    for turn, block in enumerate(blocks, start=1):
        value = block.wall_ns * 1e-9 / block.steps
        yield event_file.scalar("blocks/step_seconds", value, step=turn, seconds=seconds)
    for name, value in found.metrics.items():
        yield event_file.scalar(f"row/{name}", value, step=0, seconds=seconds)
    status = event_file.SUCCESS if cell.comparable else event_file.FAILURE
    yield event_file.session(found.parameters, status=status, seconds=seconds)
