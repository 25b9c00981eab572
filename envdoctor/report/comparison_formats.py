"""A comparison of two runs in a terminal, as Markdown, as JSON and as CSV."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import msgspec
from rich.text import Text

from envdoctor.report.comparison import (
    Line,
    Table,
    difference,
    finding_lines,
    footnotes,
    introduction,
    tables,
)
from envdoctor.report.grid import Column, draw

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import Console

    from envdoctor.model.comparison import Comparison, Measured, Pair, Ratio

HEADINGS = {
    "row": "row",
    "a": "A",
    "b": "B",
    "ratio": "B/A",
    "interval": "95 % CI",
    "verdict": "verdict",
    "memory": "memory",
    "quality": "quality B-A",
    "warmup": "warm-up",
}
"""The fields of a line and their columns."""
RANKS = {"a": 1, "b": 1, "memory": 3, "quality": 4, "warmup": 5}
"""Which columns go first in a narrow terminal: the highest; what is not here stays."""
LEFT = {"row", "verdict"}
RESULT_STYLES = {"failed": "red", "passed": "green", "cannot be told": "yellow"}
MEASURED = (
    "step_seconds",
    "warmup_debt_seconds",
    "caches",
    "footprint_bytes",
    "working_set_bytes",
    "metric",
    "value",
    "standard_error",
)
RATIO = ("ratio", "low", "high")
COLUMNS = (
    *("workload", "backend", "mode", "device", "precision", "status", "reason"),
    *("view", "reference", "verdict"),
    *RATIO,
    *(f"step_{name}" for name in RATIO),
    *(f"{side}_{name}" for side in "ab" for name in MEASURED),
)
"""Of the CSV file."""


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Print a table for each workload, then what to know of the runs, then the conditions."""
    console.print(Text(introduction(comparison)))
    for table in tables(comparison):
        console.print()
        if table.lines:
            console.print(draw(_columns(table), console.width, table.heading))
        else:
            console.print(Text(table.heading, style="bold"))
        for note in table.notes:
            console.print(Text.assemble(("  - ", "yellow"), note))
    notes = footnotes(comparison)
    if notes:
        console.print()
    for note in notes:
        console.print(Text(note, style="dim"))
    for finding in comparison.findings:
        head, *checks = finding_lines(finding)
        console.print()
        console.print(Text(head, style=RESULT_STYLES[finding.result]))
        for line in checks:
            console.print(Text(line))


def _columns(table: Table) -> list[Column]:
    slower = frozenset(i for i, line in enumerate(table.lines) if line.verdict == "slower")
    return [
        Column(
            heading,
            [getattr(line, field) for line in table.lines],
            rank=RANKS.get(field, 0),
            left=field in LEFT,
            marked=slower if field == "verdict" else frozenset(),
        )
        for field, heading in HEADINGS.items()
    ]


def write_markdown(comparison: Comparison, stream: TextIO) -> None:
    """Write the same as for the terminal, all columns, for a pull request or an issue."""
    stream.write(f"{_plain(introduction(comparison))}\n")
    for table in tables(comparison):
        stream.write(f"\n### {_plain(table.heading)}\n")
        _write_lines(table.lines, stream)
        _write_items(table.notes, stream)
    _write_items(footnotes(comparison), stream)
    for finding in comparison.findings:
        head, *checks = finding_lines(finding)
        stream.write(f"\n**{_plain(head)}**\n")
        _write_items([line.strip() for line in checks], stream)


def _write_lines(lines: tuple[Line, ...], stream: TextIO) -> None:
    if not lines:
        return
    stream.write(f"\n| {' | '.join(HEADINGS.values())} |\n")
    rules = ("---" if field in LEFT else "--:" for field in HEADINGS)
    stream.write(f"|{'|'.join(rules)}|\n")
    for line in lines:
        cells = (_plain(getattr(line, field)) for field in HEADINGS)
        stream.write(f"| {' | '.join(cells)} |\n")


def _write_items(items: tuple[str, ...] | list[str], stream: TextIO) -> None:
    if items:
        stream.write("\n")
    stream.writelines(f"- {_plain(item)}\n" for item in items)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    for character in "\\`*_[]<>|~":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def write_json(comparison: Comparison, stream: TextIO) -> None:
    """Write the whole record."""
    plain = msgspec.to_builtins(comparison)
    json.dump(plain, stream, allow_nan=False, ensure_ascii=False, indent=1)
    stream.write("\n")


def write_csv(comparison: Comparison, stream: TextIO) -> None:
    """Write one line a row and workload, in base units, empty where there is no number."""
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_values, comparison.pairs))


def _values(pair: Pair) -> dict[str, Any]:
    return {
        "workload": pair.workload,
        "backend": pair.row.backend,
        "mode": pair.row.mode,
        "device": pair.row.device,
        "precision": pair.row.precision,
        "status": pair.status,
        "reason": "; ".join(map(difference, pair.differences)) or pair.reason,
        "view": pair.view,
        "reference": pair.reference.title if pair.reference else None,
        "verdict": pair.verdict,
        **_fields("", pair.ratio, RATIO),
        **_fields("step_", pair.step_ratio, RATIO),
        **_fields("a_", pair.a, MEASURED),
        **_fields("b_", pair.b, MEASURED),
    }


def _fields(prefix: str, part: Ratio | Measured | None, names: tuple[str, ...]) -> dict[str, Any]:
    return {f"{prefix}{name}": getattr(part, name) for name in names} if part else {}


WRITERS = {"csv": write_csv, "json": write_json, "markdown": write_markdown}
"""The formats that can be written to a file, by the name of the option."""
