"""Several runs on one page: speeds side by side, and what each changed against the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import comparison as c
from envdoctor.report import numbers
from envdoctor.report.html.charts import Chart
from envdoctor.report.html.elements import element, texts, visible
from envdoctor.report.html.marks import ROW_HEIGHT, WIDTH, categories, layer, number
from envdoctor.report.html.scrolling import scrolling_table
from envdoctor.report.html.speed import BAR, NO_SPEED, RULE
from envdoctor.report.html.theme import SERIES
from envdoctor.report.html.workload import figure
from envdoctor.report.table import tables
from envdoctor.statistics.runs import compare_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

    from envdoctor.model.run import Run
    from envdoctor.report.html.marks import Piece

HEADINGS = {
    "row": "row",
    "a": "A",
    "b": "B",
    "ratio": "B/A",
    "interval": "95 % CI",
    "verdict": "verdict",
    "memory": "memory",
    "quality": "quality B-A",
    "warmup": "warm-up",
}
"""The fields of a compared row and their columns."""


def section(runs: Sequence[Run]) -> Element:
    """The charts of all runs, then each later run against the first."""
    names = dict.fromkeys(record.name for run in runs for record in run.workloads)
    figures = [figure(_speeds(runs, name), f"all-{i}") for i, name in enumerate(names, start=1)]
    return element(
        "section",
        element("h2", "Side by side"),
        element("div", *figures, class_="charts"),
        *(part for run in runs[1:] for part in _change(runs[0], run)),
        id="side-by-side",
    )


def label(run: Run, number_: int) -> str:
    """What names a run on the page."""
    return f"Run {number_}: {run.id}"


def _speeds(runs: Sequence[Run], workload: str) -> Chart:
    """Samples in a second of every row in every run."""
    labels = [visible(label(run, i)) for i, run in enumerate(runs, start=1)]
    values = [
        value
        for run, name in zip(runs, labels, strict=True)
        for value in _rates(run, name, workload)
    ]
    offset = {"field": "run", "type": "nominal", "sort": None}
    spec = {
        "data": {"values": values},
        "width": WIDTH,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "height": {"step": 0.7 * ROW_HEIGHT, "for": "offset"},
        "encoding": {
            "y": {
                "field": "row",
                "type": "nominal",
                "sort": None,
                "axis": {"title": None, "ticks": False, "domain": False, "labelPadding": 6},
            },
            "yOffset": offset,
            "description": {"field": "tip", "type": "nominal"},
        },
        "layer": [
            layer(
                "bars",
                BAR,
                x=number("rate", "samples/s"),
                color=categories("run", labels, SERIES),
            ),
            layer("intervals", RULE, x=number("low", "samples/s"), x2={"field": "high"}),
        ],
    }
    return Chart(
        "speeds",
        workload,
        "Samples per second in steady state, with the 95 % interval of the median. Between two "
        "runs the machine itself may have changed its pace: the tables below allow for that.",
        spec if values else None,
        NO_SPEED,
    )


def _rates(run: Run, name: str, workload: str) -> Iterator[Piece]:
    for table in tables(run):
        if table.workload.name != workload:
            continue
        batch = table.workload.batch
        for line in table.lines:
            yield {
                "row": visible(line.cell.row.title),
                "run": name,
                "rate": line.samples_per_second,
                "low": batch / line.step.high_seconds,
                "high": batch / line.step.low_seconds,
                "tip": f"{line.title}: {numbers.significant(line.samples_per_second)} samples/s "
                f"in {name}",
            }


def _change(first: Run, other: Run) -> Iterator[Element]:
    """The comparison of two runs as `envdoctor compare` makes it."""
    found = compare_runs(first, other)
    yield element("h4", f"{c.introduction(found)}.")
    for table in c.tables(found):
        yield element("p", table.heading, class_="sub")
        if table.lines:
            columns = {
                heading: [getattr(line, field) for line in table.lines]
                for field, heading in HEADINGS.items()
            }
            yield scrolling_table(columns, f"Changes of {table.heading}")
        if table.notes:
            yield element("ul", *texts("li", table.notes), class_="remarks")
    yield element("ul", *texts("li", c.footnotes(found)), class_="remarks")
