"""The history of a workload in a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from rich.text import Text

from envdoctor.report import numbers
from envdoctor.report.comparison_formats import show_comparison
from envdoctor.report.grid import Column, draw
from envdoctor.report.runs import minute

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from rich.console import Console

    from envdoctor.library.history import Point, Trend


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
        Column("date", [minute(point.started_at) for point in points], rank=2, left=True),
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


def write_json(trend: Trend, stream: TextIO) -> None:
    """Write the whole record."""
    record: Any = msgspec.to_builtins(trend)
    json.dump(record, stream, allow_nan=False, ensure_ascii=False, indent=1)
    stream.write("\n")
