"""The heat map of the proof that all rows did the same work."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from envdoctor.report import numbers
from envdoctor.report.html.charts import Chart
from envdoctor.report.html.marks import by_row, categories, layer
from envdoctor.report.html.theme import GRID, GROUND, INK, LEVELS
from envdoctor.report.table import members

if TYPE_CHECKING:
    from envdoctor.model.cell import Certificate
    from envdoctor.report.html.charts import Subject
    from envdoctor.report.html.marks import Piece

CLASSES = (
    ("below 1e-12", 1e-12),
    ("below 1e-6", 1e-6),
    ("below 1e-4", 1e-4),
    ("below 1 %", 1e-2),
    ("1 % or more", inf),
)
"""Of relative differences, by the number that they are below."""
UNKNOWN = "not compared"


def parity(subject: Subject) -> Chart:
    """Relative differences from the float64 reference, by row and kind."""
    values = [
        value
        for cell in members(subject.run, subject.table)
        if cell.certificate
        for value in _cells(subject.names[cell.row], cell.certificate)
    ]
    order = {name: place for place, name in enumerate(subject.names.values())}
    values.sort(key=lambda value: order[value["row"]])
    seen = {value["class"] for value in values}
    levels = {name: colour for (name, _), colour in zip(CLASSES, LEVELS, strict=True)}
    shown = {name: colour for name, colour in (levels | {UNKNOWN: GRID}).items() if name in seen}
    axis = {
        "title": None,
        "orient": "top",
        "labelAngle": 0,
        "labelFontSize": 11,
        "ticks": False,
        "domain": False,
    }
    x = {"field": "kind", "type": "nominal", "sort": None, "axis": axis}
    spec = by_row(
        values,
        layer(
            "cells",
            {"type": "rect", "stroke": GROUND, "strokeWidth": 2},
            x=x,
            color=categories("class", list(shown), shown.values()),
        ),
        layer(
            "numbers",
            {"type": "text", "fontSize": 12, "color": INK},
            x=x,
            text={"field": "error", "type": "nominal"},
        ),
    )
    return Chart(
        "parity",
        "The same work",
        "The largest relative difference from the float64 reference. About 1e-16 where float64 was "
        "compared, about 1e-7 for float32; the timed steps run in the precision that is timed.",
        spec if values else None,
        "No row has a certificate.",
    )


def _cells(name: str, found: Certificate) -> list[Piece]:
    """The differences of one row."""
    errors = {
        "outputs": found.output_error,
        "gradients": found.gradient_error,
        "trajectory": found.loss_error,
        "as timed": found.timed_loss_error,
    }
    doubt = "" if found.same_work else " (not the same work)"
    return [
        {
            "row": name,
            "kind": kind,
            "error": "n/a" if error is None else numbers.error(error),
            "class": UNKNOWN if error is None else _class(error),
            "tip": f"{name}: {kind} {UNKNOWN if error is None else numbers.error(error)}{doubt}",
        }
        for kind, error in errors.items()
    ]


def _class(error: float) -> str:
    """The class of a difference; what is no number is in the worst."""
    return next((name for name, below in CLASSES if error < below), CLASSES[-1][0])
