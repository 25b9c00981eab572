"""One page with every check that envdoctor brings, made from what `--explain` shows."""

# ruff: noqa: INP001

from __future__ import annotations

import re
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from envdoctor.plugins import load_plugins

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envdoctor.api import Check

HEAD = """\
# Checks

What `envdoctor check` looks for: {count} checks. `envdoctor check --explain ID` shows the same for
what is installed, plugins of others included. An id never changes its meaning.
"""


def checks_page() -> str:
    """The page, by groups in the order of their names."""
    checks = sorted(load_plugins(strangers=False).checks(), key=lambda each: (each.group, each.id))
    lines = [HEAD.format(count=len(checks))]
    for group, members in groupby(checks, key=attrgetter("group")):
        lines += [f"## {group}", ""]
        for check in members:
            lines += _section(check)
    return "\n".join(lines)


def _section(check: Check) -> Iterable[str]:
    page = check.page
    yield from (f"### {check.id}", "", _text(check.summary), "")
    if page.symptoms:
        yield from ("**What you see**", "", *(f"- {_code(each)}" for each in page.symptoms), "")
    parts = {
        "Why it matters": page.why,
        "Seen by": page.seen_by,
        "To be sure": page.confirmed_by,
        "What mends it": page.remedy,
        "After that, look again at": ", ".join(check.hides),
        "Known from": "; ".join(page.sources),
    }
    for heading, text in parts.items():
        if text:
            yield from (f"**{heading}**: {_text(text)}", "")


def _code(text: str) -> str:
    """Text as code, whatever quotes it holds."""
    ticks = max((len(run) for run in re.findall("`+", text)), default=0) + 1
    space = " " if ticks > 1 else ""
    return f"{'`' * ticks}{space}{text}{space}{'`' * ticks}"


def _text(text: str) -> str:
    """Prose in which nothing but code between single ticks is markup."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_\[\]<>#])", _escape, part)
        for part in parts
    )


def _escape(found: re.Match[str]) -> str:
    """An entity where Markdown has no escape of its own."""
    return {"<": "&lt;", ">": "&gt;"}.get(found[0], f"\\{found[0]}")
