"""The measures of quality beside the one that is required, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report.html.elements import element, texts
from envdoctor.report.html.scrolling import scrolling_table
from envdoctor.report.metrics import metric_table
from envdoctor.report.table import members

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from envdoctor.model.run import Run
    from envdoctor.report.table import Table


def further_measures(run: Run, results: Table) -> Iterator[Element]:
    """The table under its heading, and why a measure has no value; nothing if there is none.

    Its rows stand as in the table of results, and below them those without a speed.
    """
    fast = [line.cell for line in results.lines]
    others = [cell for cell in members(run, results) if cell not in fast]
    table = metric_table(results.workload.name, [*fast, *others])
    if not table.rows:
        return
    headings = ("backend", *table.headings)
    columns = dict(zip(headings, map(list, zip(*table.rows, strict=True)), strict=True))
    yield element("h4", "Further measures of quality")
    yield element(
        "p",
        "On the test data, unless the name says otherwise; classes count alike.",
        class_="sub",
    )
    yield scrolling_table(columns, f"Further measures of {table.workload}")
    if table.reasons:
        yield element("ul", *texts("li", table.reasons), class_="remarks")
