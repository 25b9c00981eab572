"""Stored runs in a terminal and as JSON: the list, and the history of a workload."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from rich.text import Text

from envdoctor.report import numbers
from envdoctor.report.comparison_formats import show_comparison
from envdoctor.report.grid import Column, draw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from rich.console import Console

    from envdoctor.library.pruning import Pruning
    from envdoctor.library.records import Entry, Listing, Point, Trend

MOST_WORKLOADS = 3
"""So many names of workloads stand in a line of the list."""


def show_listing(listing: Listing, console: Console) -> None:
    """Print a line for each run, then the files that are none."""
    runs = listing.runs
    if runs:
        console.print(draw(_columns(runs), console.width))
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
        Column("date", [_minute(entry.started_at) for entry in runs], rank=4, left=True),
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


def _minute(moment: str) -> str:
    """A date and time to the minute, as a reader wants it."""
    return moment[:16].replace("T", " ")


def show_pruning(pruning: Pruning, console: Console) -> None:
    """Print what would go, and what is spared."""
    for entry in pruning.deleted:
        console.print(Text(f"  {entry.id}  {_minute(entry.started_at)}  {_workloads(entry)}"))
    for entry, reason in pruning.spared:
        console.print(Text(f"  {entry.id} stays: {reason}.", style="dim"))


def show_trend(trend: Trend, console: Console) -> None:
    """Print each row over time, what the latest run changed, and what was left out."""
    console.print(Text(f"{trend.workload} · {trend.machine}", style="bold"))
    rows = dict.fromkeys(point.row for point in trend.points)
    for row in rows:
        points = [point for point in trend.points if point.row == row]
        console.print()
        console.print(draw(_history(points), console.width, row.title))
    console.print()
    console.print(Text(trend.choice))
    if trend.comparison is not None:
        console.print()
        show_comparison(trend.comparison, console)
    for left in trend.left_out:
        console.print(Text.assemble(("  - ", "yellow"), f"left out: {left.run}: {left.reason}"))


def _history(points: Sequence[Point]) -> list[Column]:
    versions = [point.version for point in points]
    changed = frozenset(i for i in range(1, len(versions)) if versions[i] != versions[i - 1])
    return [
        Column("run", [_called(point) for point in points], left=True),
        Column("date", [_minute(point.started_at) for point in points], rank=2, left=True),
        Column("version", versions, left=True, marked=changed),
        Column("step", [numbers.duration(point.step_seconds) for point in points]),
        Column("95 % CI", [_interval(point) for point in points], rank=1),
        Column("noise", [point.grade for point in points], rank=3, left=True),
    ]


def _called(point: Point) -> str:
    return ", ".join(point.names) or point.run


def _interval(point: Point) -> str:
    ends = (point.low_seconds, point.high_seconds)
    return " to ".join(numbers.duration(seconds) for seconds in ends)


def write_json(record: Listing | Trend, stream: TextIO) -> None:
    """Write the whole record."""
    plain: Any = msgspec.to_builtins(record)
    json.dump(plain, stream, allow_nan=False, ensure_ascii=False, indent=1)
    stream.write("\n")
