"""`envdoctor parity`: the proof alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from envdoctor.cli.grouped import GroupedCommand
from envdoctor.cli.options import ROW_HEADINGS, order_of, row_options, wishes_of
from envdoctor.errors import ExitCode

if TYPE_CHECKING:
    from envdoctor.bench.engine import Order
    from envdoctor.model.parity import Matrix

HEADINGS = {**ROW_HEADINGS, "What to show": ("--format", "--quiet")}


@click.command(cls=GroupedCommand, headings=HEADINGS)
@row_options
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["console", "json"]),
    default="console",
    help="For people, or for programs.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@click.pass_obj
def parity(strangers: bool, /, **values: Any) -> int:
    """Show whether every backend does the same work on each WORKLOAD.

    Outputs, every gradient, twenty steps of training and the form of the optimiser are compared
    with a float64 reference, in float64 and in strict float32. For a difference it names the first
    layer, the size, and the known cause that reproduces it.

    \b
    envdoctor parity
    envdoctor parity cnn-tiny --backend torch
    envdoctor parity ./my-model.toml --format json
    """
    from envdoctor.bench.plan import choose_rows
    from envdoctor.plugins import load_plugins
    from envdoctor.report import listing
    from envdoctor.report.matrix import show_matrix

    loaded = load_plugins(strangers=strangers)
    wishes = wishes_of(values)
    order = order_of(loaded, wishes, choose_rows(loaded, wishes), values)
    matrix = _run(order, quiet=values["quiet"])
    if values["format_name"] == "json":
        click.echo(listing.as_json(matrix))
    else:
        from rich.console import Console

        show_matrix(matrix, Console())
    return _exit_code(matrix)


def _run(order: Order, *, quiet: bool) -> Matrix:
    from envdoctor.bench.matrix import parity as engine
    from envdoctor.bench.matrix import planned_pieces
    from envdoctor.cli.progress import Progress

    events = engine(order)
    with Progress(planned_pieces(order), order.keep_in, quiet=quiet) as progress:
        while True:
            try:
                progress.show(next(events))
            except StopIteration as stop:
                matrix: Matrix = stop.value
                return matrix
            except BaseException:
                events.close()
                raise


def _exit_code(matrix: Matrix) -> int:
    wrong = any(entry.outcome.status not in {"ok", "unsupported"} for entry in matrix.entries)
    return ExitCode.PROBLEMS if wrong else ExitCode.DONE
