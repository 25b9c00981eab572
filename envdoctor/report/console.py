"""The table in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from envdoctor.report import table as t

if TYPE_CHECKING:
    from rich.console import Console

    from envdoctor.model.run import Run

NARROW_COLUMNS = 110


def show_run(run: Run, console: Console) -> None:
    """Print the tables of a run, what was left out, and how to read it."""
    found = t.tables(run)
    for table in found:
        console.print(_draw(table, narrow=console.width < NARROW_COLUMNS))
        _show_notes(table.notes, console)
        console.print()
    if any(table.lines for table in found):
        for line in t.footnotes(run):
            console.print(Text(line, style="dim"), soft_wrap=False)
    _show_absent(run, console)


def _draw(table: t.Table, *, narrow: bool) -> RichTable:
    drawn = RichTable(
        title=Text(table.heading, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    tokens = table.workload.tokens is not None
    headings = ["step", "tokens/s" if narrow and tokens else "samples/s"]
    headings += ["tokens/s"] if tokens and not narrow else []
    headings += ["warm-up"] if narrow else ["warm-up", "memory"]
    metric = table.workload.quality.metric if table.workload.quality else "quality"
    headings += [metric.replace("mean_absolute_error", "mean abs. error"), "same work"]
    drawn.add_column("backend", no_wrap=True)
    for heading in headings:
        drawn.add_column(heading, justify="right", no_wrap=True)
    for line in table.lines:
        drawn.add_row(*_cells(line, narrow=narrow, tokens=tokens))
    return drawn


def _cells(line: t.Line, *, narrow: bool, tokens: bool) -> list[Text]:
    step, samples, symbols = t.speed_columns(line)
    title = t.title(line.cell)
    if narrow:
        title = line.cell.row.title
        speeds = [symbols if tokens else samples]
        rest = [t.warmup_column(line)]
    else:
        speeds = [samples, symbols] if tokens else [samples]
        rest = [t.warmup_column(line), t.memory_column(line.cell)]
    quality = Text(t.quality_column(line.cell))
    if line.cell.quality and line.cell.quality.reached is False:
        quality.stylize("red")
    proof = Text(t.proof_column(line.cell), style="green")
    return [Text(title), *(Text(value) for value in [step, *speeds, *rest]), quality, proof]


def _show_notes(notes: tuple[t.Note, ...], console: Console) -> None:
    for note in notes:
        console.print(
            f"  [yellow]-[/yellow] [bold]{escape(note.title)}[/bold]: {escape(note.reason)}"
        )
        if note.hint:
            console.print(f"    {escape(note.hint)}")


def _show_absent(run: Run, console: Console) -> None:
    if run.unavailable:
        console.print()
        console.print("[bold]What else could be compared here[/bold]")
    for absent in run.unavailable:
        console.print(f"  {escape(absent.backend)}: {escape(absent.reason)}")
        if absent.remedy:
            console.print(Text(f"    {absent.remedy}", style="cyan"), soft_wrap=True)
    for broken in run.broken_plugins:
        console.print(
            f"[yellow]plugin left out:[/yellow] {escape(broken.plugin)}: {escape(broken.reason)}"
        )
