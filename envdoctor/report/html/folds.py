"""Cross-validation on the page: a table for each workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report.folds import EXPLANATION, FoldTable, fold_tables
from envdoctor.report.html.elements import element, texts
from envdoctor.report.html.scrolling import scrolling_table

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from envdoctor.model.run import Run


def section(run: Run) -> Element | None:
    """The tables, and how to read them; None where no folds were asked for."""
    found = fold_tables(run)
    if not found:
        return None
    return element(
        "section",
        element("h2", "Cross-validation"),
        element("p", EXPLANATION, class_="sub") if any(table.rows for table in found) else None,
        *(part for table in found for part in _parts(table)),
    )


def _parts(table: FoldTable) -> list[Element]:
    notes = texts("li", table.notes)
    parts = [element("h3", table.heading)]
    if table.rows:
        columns = dict(zip(table.headings, zip(*table.rows, strict=True), strict=True))
        parts.append(scrolling_table(columns, table.heading))
    if notes:
        parts.append(element("ul", *notes, class_="remarks"))
    return parts
