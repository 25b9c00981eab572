"""The method in short, for a reader who has never seen the tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import table as t
from envdoctor.report.html.elements import element, texts

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from envdoctor.model.run import Run

METHOD = """
Each framework trains the same model in its own idiomatic way: the same initial weights, the same
batches in the same order, the same optimiser, the same number of threads.

Before any row is timed, its outputs, every gradient and its losses are held against a reference in
float64. A row that does other work gets no speed.

Rows take turns in short blocks, in random order, so that what disturbs the machine strikes all of
them; ratios are taken within a round. Contaminated rounds are repeated.

One row runs twice. How far its two copies seem to differ is what this machine cannot tell apart;
where that is too much, nothing is ranked.

Every process starts anew for each launch. Loading, compiling and warming up are counted by
themselves, never in the speed.
"""
"""A point a paragraph."""


def section(run: Run) -> Element:
    """What was done, and how to read the columns."""
    return element(
        "section",
        element("h2", "Method in short"),
        element("ul", *texts("li", METHOD.strip().split("\n\n")), class_="remarks"),
        element("h4", "How to read the table"),
        element("ul", *texts("li", t.footnotes(run)), class_="remarks"),
    )
