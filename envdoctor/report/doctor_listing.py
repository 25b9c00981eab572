"""The list of checks, and the page of one."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.api import Check

NARROWEST_COLUMNS = 30


def list_checks(checks: Sequence[Check], width: int) -> Iterator[str]:
    """The checks by group, each with what it looks for."""
    for group in sorted({check.group for check in checks}):
        yield group
        for check in (check for check in checks if check.group == group):
            yield f"  {check.id}"
            yield from _wrap(check.summary, width, 4)


def explain(check: Check, width: int) -> Iterator[str]:
    """Everything that the page of a check says."""
    page = check.page
    yield f"{check.id} ({check.group})"
    yield from _wrap(check.summary, width, 2)
    for heading, paragraphs in (
        ("What one sees", page.symptoms),
        ("Why", (page.why,)),
        ("How it is found", (page.seen_by,)),
        ("How to be sure", (page.confirmed_by,)),
        ("What to do", (page.remedy,)),
        ("What it explains", (", ".join(check.hides),)),
        ("Known from", page.sources),
    ):
        shown = [paragraph for paragraph in paragraphs if paragraph]
        if shown:
            yield ""
            yield heading
        for paragraph in shown:
            yield from _wrap(paragraph, width, 2)


def _wrap(text: str, width: int, indent: int) -> list[str]:
    room = max(NARROWEST_COLUMNS, width)
    margin = " " * indent
    return textwrap.wrap(
        " ".join(text.split()),
        room,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
