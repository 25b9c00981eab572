"""The measures of quality beside the one that is required, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report.html.elements import element, texts
from envdoctor.report.html.scrolling import scrolling_table
from envdoctor.report.metrics import metric_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from envdoctor.model.run import Run


def further_measures(run: Run, workload: str) -> Iterator[Element]:
    """The table under its heading, and why a measure has no value; nothing if there is none."""
    table = metric_table(run, workload)
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
    yield scrolling_table(columns, f"Further measures of {workload}")
    if table.reasons:
        yield element("ul", *texts("li", table.reasons), class_="remarks")
