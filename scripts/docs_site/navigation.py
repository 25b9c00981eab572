"""The order of the pages on the site: a new page finds its place by its folder."""

# ruff: noqa: INP001

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST = ("index.md", "start.md")
FOLDERS = {"Guides": "guides/", "Commands": "commands/", "Decisions": "decisions/"}
LAST = {"Example": "example-backend/"}
PROJECT = ("contributing.md", "onboarding.md", "news.md")

Navigation = list[str | dict[str, list[str]]]


def navigation(pages: Iterable[str]) -> Navigation:
    """Every page once, under its heading; within one by name, which numbers the decisions."""
    left = sorted(pages)
    found: Navigation = [page for page in FIRST if page in left]
    folders = {**FOLDERS, **LAST}
    alone = [page for page in left if not page.startswith(tuple(folders.values()))]
    reference = [page for page in alone if page not in {*FIRST, *PROJECT}]
    sections = {
        heading: [page for page in left if page.startswith(folder)]
        for heading, folder in folders.items()
    }
    sections["Project"] = [
        *(page for page in PROJECT if page in left),
        *sections.pop("Decisions"),
        *sections.pop("Example"),
    ]
    ordered = {
        "Guides": sections["Guides"],
        "Commands": sections["Commands"],
        "Reference": reference,
        "Project": sections["Project"],
    }
    return [*found, *({heading: own} for heading, own in ordered.items() if own)]
