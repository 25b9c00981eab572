"""The rows of the present workload as they stand: what the live view shows between rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from envdoctor.report import numbers, sentences
from envdoctor.report.table import title
from envdoctor.statistics.ranking import rankings

if TYPE_CHECKING:
    from envdoctor.model.run import Run
    from envdoctor.statistics.ranking import Place, Ranking

HEADINGS = ("so far", "step", "", "vs fastest", "95 % CI")
"""No verdict: it is given once, when the rounds are over."""


def interim(run: Run, workload: str) -> Group | None:
    """A small table for each precision; None before any row has a step time."""
    found = [_table(each) for each in rankings(run, workload) if each.places]
    return Group(*found) if found else None


def _table(ranking: Ranking) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if column else "left", no_wrap=True)
    for place in ranking.places:
        table.add_row(*(Text(cell) for cell in _cells(place, ranking)))
    return table


def _cells(place: Place, ranking: Ranking) -> tuple[str, ...]:
    """The name, the step time with its spread, and the ratio with its interval if there is one."""
    step = (numbers.duration(place.step.seconds), f"±{numbers.percent(place.step.spread)}")
    found = place.comparison
    if found is None:
        return title(place.cell), *step, "fastest" if ranking.leader is place.cell else "", ""
    ends = sentences.interval(found.interval) if found.interval else ""
    return title(place.cell), *step, sentences.ratio(found), ends
