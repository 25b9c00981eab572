"""Tables that scroll by themselves where the window is narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report.html.elements import element

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

WORDS = {"backend", "row", "verdict", "same work"}
"""Columns of words, which begin at the left."""
NAMES = {"backend"}
"""Columns of words that stand out."""


def scrolling_table(columns: Mapping[str, Sequence[str]], label: str) -> Element:
    """A table from its columns, all of one length.

    Args:
        columns: by their headings.
        label: what a screen reader calls it.
    """
    kinds = [_kind(name) for name in columns]
    head = [element("th", name, **kind) for name, kind in zip(columns, kinds, strict=True)]
    lines = [
        element(
            "tr", *(element("td", cell, **kind) for cell, kind in zip(line, kinds, strict=True))
        )
        for line in zip(*columns.values(), strict=True)
    ]
    whole = element("table", element("thead", element("tr", *head)), element("tbody", *lines))
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=label)


def _kind(column: str) -> dict[str, str]:
    if column not in WORDS:
        return {}
    return {"class_": "words name" if column in NAMES else "words"}
