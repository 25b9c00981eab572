"""The table in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from envdoctor.report import table as t
from envdoctor.report.folds import show_folds
from envdoctor.report.grid import Column, draw, split
from envdoctor.report.remarks import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from envdoctor.model.run import Run


def show_run(run: Run, console: Console) -> None:
    """Print the tables of a run, what was left out, and how to read it."""
    found = t.tables(run)
    for table in found:
        console.print(Text(table.heading, style="bold"))
        if table.effort:
            console.print(Text(table.effort, style="dim"))
        if table.lines:
            _show_lines(_columns(table), console)
        for remark in table.remarks:
            console.print(_item("", Text(remark)))
        _show_notes(table.notes, console)
        console.print()
    show_folds(run, console)
    for line in summary(run):
        console.print(Text(line))
        console.print()
    if any(table.lines for table in found):
        for line in t.footnotes(run):
            console.print(Text(line, style="dim"), soft_wrap=False)
    _show_absent(run, console)


def _show_lines(columns: Sequence[Column], console: Console) -> None:
    for index, part in enumerate(split(columns, console.width, "backend")):
        if index:
            console.print()
        console.print(draw(part, console.width))


def _columns(table: t.Table) -> list[Column]:
    """All columns of a table; which of them are shown depends on the room."""
    lines = table.lines
    steps = [t.step_columns(line) for line in lines]
    speeds = [t.speed_columns(line) for line in lines]
    ratios = [t.ratio_columns(line, table.ranking) for line in lines]
    tokens = table.workload.tokens is not None
    missed = frozenset(i for i, line in enumerate(lines) if t.missed(line.cell))
    return [
        Column("#", [t.rank_column(line) for line in lines], rank=3),
        Column("backend", [line.cell.row.title for line in lines], left=True),
        Column("version", [line.cell.version for line in lines], rank=9, left=True),
        Column("step", [step for step, _ in steps]),
        Column("±", [spread for _, spread in steps], rank=4),
        Column("samples/s", [samples for samples, _ in speeds], rank=10 if tokens else 0),
        Column("tokens/s", [symbols for _, symbols in speeds], rank=2),
        Column("vs fastest", [ratio for ratio, _ in ratios], rank=1),
        Column("95 % CI", [ends for _, ends in ratios], rank=5),
        Column("verdict", [t.verdict_column(line) for line in lines], rank=11, left=True),
        Column("warm-up", [t.warmup_column(line) for line in lines], rank=7, carried=True),
        Column("memory", [t.memory_column(line.cell) for line in lines], rank=8, carried=True),
        Column("cpu", [t.cpu_column(line) for line in lines], rank=12),
        Column("util", [t.utilisation_column(line) for line in lines], rank=13),
        *_energy(lines),
        Column(
            t.quality_heading(table.workload),
            [t.quality_column(line.cell) for line in lines],
            rank=6,
            marked=missed,
            carried=True,
        ),
        Column("same work", [t.proof_column(line.cell) for line in lines], style="green"),
    ]


def _energy(lines: Sequence[t.Line]) -> list[Column]:
    """The column that is there if energy was measured."""
    values = [t.energy_column(line) for line in lines]
    return [Column("J/1k samples", values, rank=6)] if any(values) else []


def _show_notes(notes: tuple[t.Note, ...], console: Console) -> None:
    for note in notes:
        console.print(_item("-", Text.assemble((note.title, "bold"), f": {note.reason}")))
        if note.hint:
            console.print(_item("", Text(note.hint)))


def _item(mark: str, text: Text) -> Table:
    """Text that stays to the right of its mark when it is wrapped."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=3, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row(Text(mark, style="yellow"), text)
    return grid


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
