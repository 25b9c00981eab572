"""The chart of single rounds, in which noise can be seen."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from envdoctor.report.html.charts import Chart
from envdoctor.report.html.marks import TIP, WIDTH, layer, number, series
from envdoctor.report.html.theme import SOFT
from envdoctor.statistics.pairing import paired_seconds, twins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.cell import Cell
    from envdoctor.report.html.charts import Subject
    from envdoctor.report.html.marks import Piece

STRIP_HEIGHT = 44
AXIS_WIDTH = 56


def rounds(subject: Subject) -> Chart:
    """Each round's ratio of times, as its distance from the row's own ratio."""
    strips = list(_strips(subject))
    names = list(dict.fromkeys(value["row"] for strip in strips for value in strip))
    values = list(chain.from_iterable(strips))
    reach = max([abs(value["percent"]) for value in values] + [1.0])
    y = number(
        "percent", "%", scale={"domain": [-reach, reach]}, axis={"tickCount": 3, "format": "+.2~r"}
    )
    x = number("round", "round", scale={"zero": False}, axis={"tickMinStep": 1, "format": "d"})
    colours = [*subject.fast_names, *(name for name in names if name not in subject.fast_names)]
    spec = {
        "data": {"values": values},
        "facet": {"row": _titled_strips(names)},
        "spacing": 8,
        "spec": {
            "width": WIDTH - AXIS_WIDTH,
            "height": STRIP_HEIGHT,
            "layer": [
                {
                    "mark": {"type": "rule", "color": SOFT},
                    "encoding": {"y": {"datum": 0, "type": "quantitative"}},
                },
                layer(
                    "rounds",
                    {
                        "type": "point",
                        "filled": True,
                        "size": 26,
                        "fillOpacity": 0.85,
                        "opacity": 1,
                    },
                    x=x,
                    y=y,
                    color=series(colours),
                    description=TIP,
                ),
            ],
        },
    }
    return Chart(
        "rounds",
        "Round by round",
        "In every round all rows run one block. A dot is how far a round's ratio to the fastest "
        "row lies from the row's own ratio: the scatter is the noise. The second copy of a row is "
        "held against its original, so all of its scatter is noise.",
        spec if values else None,
        subject.table.ranking.reason or "No two rows were measured in the same rounds.",
    )


def _titled_strips(names: list[str]) -> dict[str, Any]:
    """A strip for each row, with its name above it."""
    return {
        "field": "row",
        "type": "nominal",
        "sort": names,
        "title": None,
        "header": {
            "labelOrient": "top",
            "labelAnchor": "start",
            "labelAngle": 0,
            "labelPadding": 3,
            "labelLimit": WIDTH - AXIS_WIDTH,
        },
    }


def _strips(subject: Subject) -> Iterator[list[Piece]]:
    """The rounds of each row but the leader, then those of the twin."""
    ranking = subject.table.ranking
    for place in ranking.places:
        if ranking.leader is not None and place.comparison is not None:
            name = subject.names[place.cell.row]
            yield _strip(subject, name, (place.cell, ranking.leader), place.comparison.ratio)
    pair = twins(subject.run, ranking.workload) if subject.run.plan.interleaved else None
    if pair is not None:
        original = subject.names.get(pair[1].row, pair[1].row.title)
        yield _strip(subject, f"{original}, second copy against the first", pair, 1.0)


def _strip(subject: Subject, name: str, pair: tuple[Cell, Cell], middle: float) -> list[Piece]:
    """A dot a round, numbered through all launches."""
    launches = zip(*paired_seconds(subject.run, *pair), strict=True)
    ratios = [
        (launch, own / other)
        for launch, (times, others) in enumerate(launches, start=1)
        for own, other in zip(times, others, strict=True)
    ]
    return [
        {
            "row": name,
            "round": turn,
            "percent": 100 * (ratio / middle - 1),
            "tip": f"round {turn}, launch {launch}: {ratio:.3f}x "
            f"({100 * (ratio / middle - 1):+.1f} %)",
        }
        for turn, (launch, ratio) in enumerate(ratios, start=1)
    ]
