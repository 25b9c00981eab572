"""`envdoctor report`: stored runs as a page, or in the format of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from envdoctor.cli import candidates
from envdoctor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.model.run import Run

PAGE = "html"


@click.command()
@click.argument(
    "texts", nargs=-1, required=True, metavar="RUN...", shell_complete=candidates.runs_or_files
)
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="PATH",
    help="The file to write; a folder for tensorboard, a SQLite file or an address for mlflow.",
)
@click.option(
    "--format",
    "format_name",
    default=PAGE,
    show_default=True,
    metavar="NAME",
    help="Another format: csv, json, jsonl, junit, markdown, mlflow, tensorboard or a plugin's.",
    shell_complete=candidates.report_formats,
)
@click.pass_obj
def report(strangers: bool, /, texts: tuple[str, ...], output: str, format_name: str) -> int:
    """Make a page of the runs RUN, or write one of them for another tool.

    A run is a run file, or the id or the name of a stored run.
    The page is one file with charts, for a browser: it fetches nothing and runs no script. With
    several runs it shows them side by side. Other formats take one run.

    \b
    envdoctor report run.json -o page.html
    envdoctor report before.json after.json -o page.html
    envdoctor report 20260101-120000-ab12 --format tensorboard -o logs
    envdoctor report run.json --format jsonl -o blocks.jsonl
    """
    from envdoctor.library.folder import find_run_or_file, runs_folder
    from envdoctor.model import codec

    folder = runs_folder()
    runs = [codec.read(find_run_or_file(folder, text)) for text in texts]
    if format_name == PAGE:
        from envdoctor.report.html import page

        _write(output, page(runs))
    else:
        _export(runs, strangers, format_name, output)
    click.echo(f"written: {output}", err=True)
    return 0


def _export(runs: Sequence[Run], strangers: bool, name: str, output: str) -> None:
    """Write one run in a format that is no page."""
    from envdoctor.plugins import load_plugins
    from envdoctor.report.folders import FOLDERS

    if len(runs) > 1:
        raise InputError(f"--format {name} takes one run.", "Only a page shows several.")
    if name in FOLDERS:
        FOLDERS[name](runs[0], output)
        return
    known = {exporter.name: exporter for exporter in load_plugins(strangers=strangers).exporters()}
    if name not in known:
        names = ", ".join(sorted({PAGE, *known, *FOLDERS}))
        raise InputError(f"there is no format called `{name}`.", f"Known: {names}.")
    from io import StringIO

    stream = StringIO(newline="")
    known[name].write(runs[0], stream)
    _write(output, stream.getvalue())


def _write(path: str, text: str) -> None:
    """Write it whole, once it is known to be whole."""
    try:
        Path(path).write_text(text, encoding="utf-8", errors="replace", newline="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be written ({reason}).") from error
