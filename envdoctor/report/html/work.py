"""Charts of the work itself: memory, and the result of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import numbers
from envdoctor.report.html.charts import Chart
from envdoctor.report.html.marks import by_row, categories, layer, number, series
from envdoctor.report.html.speed import BAR, RULE
from envdoctor.report.html.theme import ALARM, PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envdoctor.model.cell import Quality
    from envdoctor.report.html.charts import Subject
    from envdoctor.report.html.marks import Piece

DOT = {"type": "point", "filled": True, "size": 90, "opacity": 1}
MEMORY = ("to exist", "to train")


def memory(subject: Subject) -> Chart:
    """What a row takes to exist, and what the model adds."""
    values = [
        {
            "row": subject.names[line.cell.row],
            "part": part,
            "megabytes": count / 1e6,
            "order": order,
            "tip": f"{line.title}: {numbers.size(count)} {part}",
        }
        for line in subject.table.lines
        if line.cell.memory is not None
        for order, (part, count) in enumerate(
            zip(
                MEMORY,
                (line.cell.memory.footprint_bytes, line.cell.memory.working_set_bytes),
                strict=True,
            )
        )
    ]
    spec = by_row(
        values,
        layer(
            "parts",
            BAR,
            x=number("megabytes", "MB", stack="zero"),
            color=categories("part", MEMORY, (PARTS[1], PARTS[3])),
            order={"field": "order", "type": "quantitative"},
        ),
    )
    return Chart(
        "memory",
        "Host memory",
        "What the process takes to exist with the framework loaded, and what the model and its "
        "steps add at their peak.",
        spec if values else None,
        "The memory of no row could be read.",
    )


def quality(subject: Subject) -> Chart:
    """The metric after the training plan, with one standard error, and the gate."""
    found = [(line, line.cell.quality) for line in subject.table.lines if line.cell.quality]
    factor, title = metric_scale(each for _, each in found)
    values = [
        {
            "row": subject.names[line.cell.row],
            "value": factor * each.value,
            "low": factor * (each.value - each.standard_error),
            "high": factor * (each.value + each.standard_error),
            "tip": f"{line.title}: {_metric(each)}{' (missed)' * (each.reached is False)}",
        }
        for line, each in found
    ]
    limit = gate(subject)
    x = number("value", title, scale={"zero": False})
    spec = by_row(
        values,
        layer("errors", RULE, x=number("low", title), x2={"field": "high"}),
        layer("values", DOT, x=x, color=series(subject.fast_names)),
        *([] if limit is None else [_limit(factor * limit, title)]),
    )
    required = "" if limit is None else " The dashed line is what must be reached."
    return Chart(
        "quality",
        "Result after training",
        "On the test data, after the same training plan; the bar is one standard error. Rows that "
        f"did the same work differ by no more than chance.{required}",
        spec if values else None,
        "The run holds no result on the test data.",
    )


def metric_scale(found: Iterable[Quality]) -> tuple[int, str]:
    """What a metric is multiplied by on an axis, and the title of the axis."""
    if all(each.metric == "accuracy" for each in found):
        return 100, "accuracy, %"
    return 1, "mean absolute error"


def gate(subject: Subject) -> float | None:
    """What training must reach; None if nothing is required."""
    required = subject.table.workload.quality
    if required is None:
        return None
    return required.at_least if required.at_least is not None else required.at_most


def _limit(value: float, title: str) -> Piece:
    """A line across all rows."""
    return {
        "data": {"values": [{"gate": value, "tip": f"required: {value:g}"}]},
        "name": "gate",
        "mark": {"type": "rule", "color": ALARM, "strokeDash": [4, 3], "strokeWidth": 1.5},
        "encoding": {
            "x": number("gate", title),
            "y": {"value": 0},
            "y2": {"value": "height"},
        },
    }


def _metric(found: Quality) -> str:
    if found.metric == "accuracy":
        return f"{found.value * 100:.1f} ±{found.standard_error * 100:.1f} %"
    error = numbers.significant(found.standard_error, 2)
    return f"{numbers.significant(found.value)} ±{error}"
