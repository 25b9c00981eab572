"""The table in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from envdoctor.report import table as t
from envdoctor.report.grid import Column, draw

if TYPE_CHECKING:
    from rich.console import Console

    from envdoctor.model.run import Run


def show_run(run: Run, console: Console) -> None:
    """Print the tables of a run, what was left out, and how to read it."""
    found = t.tables(run)
    for table in found:
        if table.lines:
            console.print(draw(_columns(table), console.width, table.heading))
        else:
            console.print(Text(table.heading, style="bold"))
        _show_notes(table.notes, console)
        console.print()
    if any(table.lines for table in found):
        for line in t.footnotes(run):
            console.print(Text(line, style="dim"), soft_wrap=False)
    _show_absent(run, console)


def _columns(table: t.Table) -> list[Column]:
    """All columns of a table; which of them are shown depends on the room."""
    lines = table.lines
    speeds = [t.speed_columns(line) for line in lines]
    tokens = table.workload.tokens is not None
    missed = frozenset(i for i, line in enumerate(lines) if t.missed(line.cell))
    return [
        Column("backend", [line.cell.row.title for line in lines], left=True),
        Column("version", [line.cell.version for line in lines], rank=8, left=True),
        Column("step", [step for step, _, _ in speeds]),
        Column("samples/s", [samples for _, samples, _ in speeds], rank=9 if tokens else 0),
        Column("tokens/s", [symbols for _, _, symbols in speeds]),
        Column("warm-up", [t.warmup_column(line) for line in lines], rank=6),
        Column("memory", [t.memory_column(line.cell) for line in lines], rank=7),
        Column(
            t.quality_heading(table.workload),
            [t.quality_column(line.cell) for line in lines],
            rank=5,
            marked=missed,
        ),
        Column("same work", [t.proof_column(line.cell) for line in lines], style="green"),
    ]


def _show_notes(notes: tuple[t.Note, ...], console: Console) -> None:
    for note in notes:
        start = [("  - ", "yellow"), (note.title, "bold")]
        console.print(Text.assemble(*start, f": {note.reason}"))
        if note.hint:
            console.print(Text(f"    {note.hint}"))


def _show_absent(run: Run, console: Console) -> None:
    if run.unavailable:
        title = "What else could be compared" if run.plan.rows else "Nothing can be compared"
        console.print()
        console.print(Text(f"{title} here", style="bold"))
    for absent in run.unavailable:
        console.print(Text(f"  {absent.backend}: {absent.reason}"))
        if absent.remedy:
            console.print(Text(f"    {absent.remedy}", style="cyan"), soft_wrap=True)
    for broken in run.broken_plugins:
        left_out = ("plugin left out: ", "yellow")
        console.print(Text.assemble(left_out, f"{broken.plugin}: {broken.reason}"))
