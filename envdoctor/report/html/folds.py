"""Cross-validation on the page: a table for each workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report.folds import EXPLANATION, FoldTable, fold_tables
from envdoctor.report.html.elements import element, texts

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
        parts.append(_table(table))
    if notes:
        parts.append(element("ul", *notes, class_="remarks"))
    return parts


def _table(table: FoldTable) -> Element:
    """The table, which scrolls by itself where the window is narrow."""
    classes = ["words name", *[""] * (len(table.headings) - 1)]
    head = element("tr", *_cells("th", table.headings, classes))
    rows = [element("tr", *_cells("td", row, classes)) for row in table.rows]
    return element(
        "div",
        element("table", element("thead", head), element("tbody", *rows)),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=table.heading,
    )


def _cells(name: str, cells: tuple[str, ...], classes: list[str]) -> list[Element]:
    return [
        element(name, text, **({"class_": kind} if kind else {}))
        for text, kind in zip(cells, classes, strict=True)
    ]
