"""Stored runs in a terminal and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.text import Text

from envdoctor.report.grid import Column, draw, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from rich.console import Console

    from envdoctor.library.pruning import Pruning
    from envdoctor.library.records import Entry, Listing

MOST_WORKLOADS = 3
"""So many names of workloads stand in a line of the list."""
MOST_DRAWN = 200
"""A longer list is plain text."""


def show_listing(listing: Listing, console: Console) -> None:
    """Print a line for each run, then the files that are none."""
    runs = listing.runs
    if len(runs) > MOST_DRAWN:
        console.out(plain(_columns(runs), console.width), highlight=False)
    elif runs:
        console.print(draw(_columns(runs), console.width))
    unjudged = sum(not entry.verdict for entry in runs)
    if unjudged:
        again = f"{unjudged:,} have no verdict yet: the next list looks into more of them."
        console.print(Text(again, style="dim"))
    left = listing.total - len(runs) - len(listing.problems)
    if left > 0:
        console.print(Text(f"{left:,} older: --all shows them too.", style="dim"))
    if not listing.total:
        console.print(Text(f"No runs in {listing.folder}: `envdoctor bench` keeps one there."))
    for entry in listing.problems:
        console.print(Text.assemble(("  - ", "yellow"), entry.problem))


def _columns(runs: Sequence[Entry]) -> list[Column]:
    unfinished = frozenset(i for i, entry in enumerate(runs) if entry.state != "finished")
    return [
        Column("run", [entry.id for entry in runs], left=True),
        Column("name", [", ".join(entry.names) for entry in runs], left=True),
        Column("date", [minute(entry.started_at) for entry in runs], rank=4, left=True),
        Column("rows", [str(len(entry.rows)) for entry in runs], rank=3),
        Column("noise", [entry.grade for entry in runs], rank=5, left=True),
        Column("state", [entry.state for entry in runs], rank=2, left=True, marked=unfinished),
        Column("workloads", [_workloads(entry) for entry in runs], rank=6, left=True),
        Column("first", [entry.verdict for entry in runs], rank=1, left=True, prose=True),
    ]


def _workloads(entry: Entry) -> str:
    more = len(entry.workloads) - MOST_WORKLOADS
    names = ", ".join(entry.workloads[:MOST_WORKLOADS])
    return f"{names} + {more}" if more > 0 else names


def minute(moment: str) -> str:
    """A date and time to the minute, as a reader wants it."""
    return moment[:16].replace("T", " ")


def show_pruning(pruning: Pruning, console: Console) -> None:
    """Print what would go, and what is spared."""
    for entry in pruning.deleted:
        console.print(Text(f"  {entry.id}  {minute(entry.started_at)}  {_workloads(entry)}"))
    for entry, reason in pruning.spared:
        console.print(Text(f"  {entry.id} stays: {reason}.", style="dim"))


def write_json(listing: Listing, stream: TextIO) -> None:
    """Write the whole record; it holds no fraction, so that none of them can be no number."""
    stream.write(msgspec.json.format(msgspec.json.encode(listing), indent=1).decode())
    stream.write("\n")
