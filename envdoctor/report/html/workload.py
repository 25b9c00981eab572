"""The section of one workload: its verdict, its table, its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import table as t
from envdoctor.report.html.charts import subject
from envdoctor.report.html.drawing import draw
from envdoctor.report.html.elements import element, texts
from envdoctor.report.html.further_measures import further_measures
from envdoctor.report.html.learning import losses, progress
from envdoctor.report.html.proof import parity
from envdoctor.report.html.rounds import rounds
from envdoctor.report.html.scrolling import scrolling_table
from envdoctor.report.html.speed import break_even, peak_share, start_up, throughput
from envdoctor.report.html.work import memory, quality

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from envdoctor.model.run import Run
    from envdoctor.report.html.charts import Chart

CHARTS = (
    throughput,
    start_up,
    memory,
    peak_share,
    quality,
    progress,
    losses,
    parity,
    break_even,
    rounds,
)
"""In the order of the page."""


def section(run: Run, table: t.Table, name: str) -> Element:
    """All that the page says of a workload; identifiers begin with `name`."""
    verdict, *more = table.remarks or ("No row has earned a speed on this workload.",)
    mood = "verdict" if table.ranking.leader is not None else "verdict none"
    drawn = subject(run, table)
    figures = [figure(chart(drawn), name) for chart in CHARTS]
    return element(
        "section",
        element("h3", table.workload.name),
        element(
            "p", f"{table.workload.summary} · {table.heading.partition(' · ')[2]}", class_="sub"
        ),
        element("p", table.effort, class_="sub") if table.effort else None,
        element("div", element("p", verdict), class_=mood),
        _list(more),
        scrolling_table(_columns(table), f"Results of {table.workload.name}")
        if table.lines
        else None,
        _notes(table),
        *further_measures(run, table),
        element("div", *figures, class_="charts"),
        id=name,
    )


def _list(lines: list[str]) -> Element | None:
    items = texts("li", lines)
    return element("ul", *items, class_="remarks") if items else None


def _notes(table: t.Table) -> Element | None:
    """The rows without a speed, and why."""
    items = [
        element("li", element("strong", note.title), f": {note.reason} {note.hint}".rstrip())
        for note in table.notes
    ]
    return element("ul", *items, class_="remarks") if items else None


def _columns(table: t.Table) -> dict[str, list[str]]:
    """Every column of the table, as all formats have it; energy and tokens where there are any."""
    lines = table.lines
    steps = [t.step_columns(line) for line in lines]
    speeds = [t.speed_columns(line) for line in lines]
    ratios = [t.ratio_columns(line, table.ranking) for line in lines]
    found = {
        "#": [t.rank_column(line) for line in lines],
        "backend": [line.title for line in lines],
        "step": [step for step, _ in steps],
        "±": [spread for _, spread in steps],
        "samples/s": [samples for samples, _ in speeds],
        "tokens/s": [symbols for _, symbols in speeds],
        "vs fastest": [ratio for ratio, _ in ratios],
        "95 % CI": [ends for _, ends in ratios],
        "verdict": [t.verdict_column(line) for line in lines],
        "warm-up": [t.warmup_column(line) for line in lines],
        "memory": [t.memory_column(line.cell) for line in lines],
        "cpu": [t.cpu_column(line) for line in lines],
        "util": [t.utilisation_column(line) for line in lines],
        "J/1k samples": [t.energy_column(line) for line in lines],
        t.quality_heading(table.workload): [t.quality_column(line.cell) for line in lines],
        "same work": [t.proof_column(line.cell) for line in lines],
    }
    return {name: cells for name, cells in found.items() if any(cells)}


def figure(chart: Chart, prefix: str) -> Element:
    """A chart with its caption, or why there is none."""
    name = f"{prefix}-{chart.name}"
    title = element("strong", chart.heading, id=f"{name}-title")
    if chart.spec is None:
        caption = element("figcaption", title)
        body = element("p", chart.absent, class_="absent")
    else:
        caption = element("figcaption", title, chart.caption)
        body = draw(chart.spec, name)
    return element("figure", caption, body, id=name, data_chart=chart.name)
