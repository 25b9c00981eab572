"""Charts of the training plan: how the loss falls, and how soon a row is how good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import numbers
from envdoctor.report.html.charts import Chart
from envdoctor.report.html.marks import by_step, dashes, layer, number, series
from envdoctor.report.html.theme import ALARM
from envdoctor.report.html.work import gate, metric_scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.cell import Cell
    from envdoctor.report.html.charts import Subject
    from envdoctor.report.html.marks import Piece

LINE = {"type": "line", "strokeWidth": 2}
POINT = {"type": "point", "filled": True, "size": 30}


def losses(subject: Subject) -> Chart:
    """The loss of single batches over the steps of the plan, or of its first steps."""
    values = [
        {
            "row": subject.names[line.cell.row],
            "step": step,
            "loss": loss,
            "tip": f"{line.title}: {numbers.significant(loss, 6)} at step {step:,}",
        }
        for line in subject.table.lines
        for step, loss in _losses(line.cell)
    ]
    whole = any(line.cell.history for line in subject.table.lines)
    names = subject.fast_names
    x = number("step", "training step", scale={"zero": False}, axis={"tickMinStep": 1})
    y = number("loss", "loss", scale={"zero": False})
    spec = by_step(
        values,
        layer("lines", LINE, x=x, y=y, color=series(names, legend=True), strokeDash=dashes(names)),
        layer("losses", POINT, x=x, y=y, color=series(names)),
    )
    kept = (
        "Each dot is the loss of one batch, so a curve is not smooth."
        if whole
        else "This run has kept the first timed steps, not the whole curve."
    )
    return Chart(
        "losses",
        "Loss while training",
        "All rows start from the same weights and see the same batches: the curves of rows that do "
        f"the same work lie on each other. {kept}",
        spec if values else None,
        "The run holds no losses.",
    )


def progress(subject: Subject) -> Chart:
    """The metric on the test data over the seconds of training, and the gate."""
    found = [line for line in subject.table.lines if _tests(line.cell)]
    factor, title = metric_scale(line.cell.quality for line in found if line.cell.quality)
    unit = " %" * (factor != 1)
    values = [
        {
            "row": subject.names[line.cell.row],
            "seconds": seconds,
            "value": factor * value,
            "tip": f"{line.title}: {numbers.significant(factor * value)}{unit} after "
            f"{numbers.duration(seconds)}, {step:,} steps",
        }
        for line in found
        for step, seconds, value in _tests(line.cell)
    ]
    names = subject.fast_names
    required = gate(subject)
    x = number("seconds", "seconds of training", scale={"type": "log", "nice": False})
    y = number("value", title, scale={"zero": False})
    spec = by_step(
        values,
        layer("lines", LINE, x=x, y=y, color=series(names, legend=True), strokeDash=dashes(names)),
        layer("values", POINT, x=x, y=y, color=series(names)),
        *([] if required is None else [_limit(factor * required, title)]),
    )
    dashed = "" if required is None else " The dashed line is what must be reached."
    return Chart(
        "progress",
        "Result over time",
        "On the test data, over the seconds of the training steps, of which the first includes "
        f"what it compiles; a row further to the left is there sooner.{dashed}",
        spec if values else None,
        "The run holds no results from during the training.",
    )


def _losses(cell: Cell) -> Iterator[tuple[int, float]]:
    """Steps and losses, of the first steps alone where no more was kept."""
    if cell.history:
        return ((point.step, point.loss) for point in cell.history)
    return iter(enumerate(cell.first_losses, start=1))


def _tests(cell: Cell) -> list[tuple[int, float, float]]:
    """Steps, seconds and results; none of a row that was tested at the end only."""
    tested = [
        (point.step, point.training_seconds, point.test_value)
        for point in cell.history
        if point.test_value is not None
    ]
    return tested if len(tested) > 1 else []


def _limit(value: float, title: str) -> Piece:
    """A line across the whole time."""
    return {
        "data": {"values": [{"gate": value, "tip": f"required: {value:g}"}]},
        "name": "gate",
        "mark": {"type": "rule", "color": ALARM, "strokeDash": [4, 3], "strokeWidth": 1.5},
        "encoding": {"y": number("gate", title)},
    }
