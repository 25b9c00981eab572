"""Pieces of Vega-Lite that the charts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envdoctor.report.html.theme import DASHES, SERIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Piece = dict[str, Any]

WIDTH = 400
"""Of a chart with all its labels: near that of a phone, so that type keeps its size there."""
ROW_HEIGHT = 26
HEIGHT = 220
TIP = {"field": "tip", "type": "nominal"}
"""What is shown when a pointer rests on a mark."""


def by_row(values: Sequence[Piece], *layers: Piece) -> Piece:
    """A chart with a horizontal band for each row, in the order of the values."""
    return {
        **_frame(values),
        "height": {"step": ROW_HEIGHT},
        "encoding": {
            "y": {
                "field": "row",
                "type": "nominal",
                "sort": None,
                "axis": {"title": None, "ticks": False, "domain": False, "labelPadding": 6},
            },
            "description": TIP,
        },
        "layer": list(layers),
    }


def by_step(values: Sequence[Piece], *layers: Piece) -> Piece:
    """A chart of fixed height, with steps along the x axis."""
    return {
        **_frame(values),
        "height": HEIGHT,
        "encoding": {"description": TIP},
        "layer": list(layers),
    }


def _frame(values: Sequence[Piece]) -> Piece:
    return {
        "data": {"values": list(values)},
        "width": WIDTH,
        "autosize": {"type": "fit-x", "contains": "padding"},
    }


def layer(name: str, mark: Piece, **encoding: Any) -> Piece:
    """Marks of one kind; `name` is found again in the drawing."""
    return {"name": name, "mark": mark, "encoding": encoding}


def number(field: str, title: str | None = None, **more: Any) -> Piece:
    """A channel of a quantity, whose axis starts at zero unless it is told otherwise."""
    axis = {"title": title, "tickCount": 5, **more.pop("axis", {})}
    return {"field": field, "type": "quantitative", "axis": axis, **more}


def series(names: Sequence[str], *, legend: bool = False) -> Piece:
    """The colour of each row: the same in all charts of a workload."""
    return {
        "field": "row",
        "type": "nominal",
        "sort": None,
        "scale": {
            "domain": list(names),
            "range": [SERIES[i % len(SERIES)] for i, _ in enumerate(names)],
        },
        "legend": {} if legend else None,
    }


def dashes(names: Sequence[str]) -> Piece:
    """The dashes of a row's line, which change where the colours begin anew."""
    marks = [DASHES[i // len(SERIES) % len(DASHES)] for i, _ in enumerate(names)]
    return {
        "field": "row",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": list(names), "range": marks},
        "legend": {},
    }


def categories(field: str, names: Sequence[str], colours: Iterable[str]) -> Piece:
    """The colour of a part, with a legend."""
    return {
        "field": field,
        "type": "nominal",
        "sort": None,
        "scale": {"domain": list(names), "range": list(colours)[: len(names)]},
        "legend": {},
    }
