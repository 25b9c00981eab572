"""The same-work matrix in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from envdoctor.report import numbers
from envdoctor.report.table import STATUS_WORDS

if TYPE_CHECKING:
    from rich.console import Console

    from envdoctor.model.parity import Entry, Matrix


def show_matrix(matrix: Matrix, console: Console) -> None:
    """A table for each workload, a sentence for each difference."""
    for reference in matrix.references:
        entries = [entry for entry in matrix.entries if entry.workload == reference.workload]
        console.print(_draw(reference.workload, entries))
        error = numbers.error(reference.finite_difference_error)
        console.print(Text(f"  reference: float64 gradients within {error} of finite differences."))
        for entry in entries:
            _explain(entry, console)
        console.print()
    for absent in matrix.unavailable:
        console.print(f"[bold]{escape(absent.backend)}[/bold]: {escape(absent.reason)}")
        console.print(Text(f"    {absent.remedy}", style="cyan"), soft_wrap=True)
    for broken in matrix.broken_plugins:
        console.print(f"plugin left out: {escape(broken.plugin)}: {escape(broken.reason)}")


def _draw(workload: str, entries: list[Entry]) -> Table:
    table = Table(
        title=Text(workload, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("backend", no_wrap=True)
    table.add_column("precision", no_wrap=True)
    for heading in ("outputs", "gradients", "trajectory"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("optimiser", no_wrap=True)
    table.add_column("same work", no_wrap=True)
    for entry in entries:
        table.add_row(*_cells(entry))
    return table


def _cells(entry: Entry) -> list[Text]:
    start = [Text(entry.row.title), Text(entry.row.precision)]
    found = entry.certificate
    if found is None:
        word = STATUS_WORDS.get(entry.outcome.status, entry.outcome.status)
        return [*start, *[Text("")] * 4, Text(word, style="yellow")]
    errors = [found.output_error, found.gradient_error, found.loss_error]
    verdict = Text("yes", style="green") if found.same_work else Text("NO", style="bold red")
    form = "as specified" if found.optimizer == "as specified" else "another form"
    return [
        *start,
        *(Text("none" if value is None else numbers.error(value)) for value in errors),
        Text(form),
        verdict,
    ]


def _explain(entry: Entry, console: Console) -> None:
    title = f"{entry.row.title} in {entry.row.precision}"
    if entry.certificate is None:
        console.print(Text(f"  {title}: {entry.outcome.reason}"))
    elif not entry.certificate.same_work:
        console.print(Text(f"  {title}: {entry.certificate.reason}"))
        cause = entry.certificate.cause
        known = f"likely cause: {cause}." if cause else "no known difference reproduces it."
        console.print(Text(f"    {known}", style="bold"))
