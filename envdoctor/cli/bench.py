"""`envdoctor bench`: train, prove, measure, tabulate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envdoctor.cli.options import order_of, row_options, wishes_of
from envdoctor.errors import ExitCode, InputError

if TYPE_CHECKING:
    from envdoctor.api import Exporter
    from envdoctor.model.run import Run
    from envdoctor.plugins import Plugins


@click.command()
@row_options
@click.option(
    "--format",
    "format_name",
    default="console",
    show_default=True,
    metavar="NAME",
    help="console, json, markdown or csv.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write the format to a file.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    help="Where to keep the run file; default: the user's data folder.",
)
@click.option(
    "--recompute",
    type=click.Path(path_type=Path),
    help="Make the table of a saved run again, from its raw blocks.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.pass_obj
def bench(strangers: bool, /, **values: Any) -> int:
    """Train WORKLOADs with every installed framework and print one comparable table.

    A row gets a speed only after outputs and every gradient were shown to agree with the float64
    reference. WORKLOAD is a name that `envdoctor workloads` lists, or a TOML file of your own;
    the default is mlp-tiny, cnn-tiny and transformer-tiny.

    \b
    envdoctor bench
    envdoctor bench mlp-tiny --backend numpy --backend torch
    envdoctor bench ./my-model.toml --format markdown --output table.md
    envdoctor bench --python jax=/path/to/venv/bin/python
    """
    from envdoctor.model import codec
    from envdoctor.plugins import load_plugins

    loaded = load_plugins(strangers=strangers)
    _check_output(loaded, values["format_name"], values["output"])
    saved = values["recompute"]
    run = codec.read(saved) if saved else _run(loaded, values)
    _export(run, loaded, values["format_name"], values["output"])
    return _exit_code(run, values["backends"])


def _run(loaded: Plugins, values: dict[str, Any]) -> Run:
    """Do the run, saving after each cell; an interruption keeps what was finished."""
    from envdoctor.bench.engine import bench as engine
    from envdoctor.bench.engine import close_run, new_run, planned_seconds
    from envdoctor.bench.events import Saved
    from envdoctor.bench.plan import choose_rows
    from envdoctor.cli.progress import Progress
    from envdoctor.model import codec

    wishes = wishes_of(values)
    order = order_of(loaded, wishes, choose_rows(loaded, wishes), values)
    run = new_run(order)
    path = values["save"] or _default_path(run.id)
    codec.write(run, path)  # a place that cannot be written is known before the work, not after
    events = engine(order, run)
    try:
        with Progress(planned_seconds(order), quiet=values["quiet"]) as progress:
            for event in events:
                progress.show(event)
                if isinstance(event, Saved):
                    run = event.run
                    codec.write(run, path)
    except KeyboardInterrupt:
        events.close()
        run = close_run(run, "interrupted")
        codec.write(run, path)
    click.echo(f"run file: {path}", err=True)
    return run


def _default_path(name: str) -> Path:
    import platformdirs

    return platformdirs.user_data_path("envdoctor") / "runs" / f"{name}.json"


def _check_output(loaded: Plugins, name: str, output: Path | None) -> None:
    """Refuse a format or file that will not do before the work, not after."""
    names = ["console", *(exporter.name for exporter in loaded.exporters())]
    if name not in names:
        raise InputError(f"there is no format called `{name}`.", f"Known: {', '.join(names)}.")
    if output is None:
        return
    if name == "console":
        raise InputError("--output needs a --format for files.", "Such as --format markdown.")
    try:
        output.open("a", encoding="utf-8").close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{output} cannot be written ({reason}).") from error


def _export(run: Run, loaded: Plugins, name: str, output: Path | None) -> None:
    if name == "console":
        from rich.console import Console

        from envdoctor.report.console import show_run

        show_run(run, Console())
        return
    exporter: Exporter = next(each for each in loaded.exporters() if each.name == name)
    if output is None:
        exporter.write(run, sys.stdout)
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as stream:
            exporter.write(run, stream)
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}).") from error


def _exit_code(run: Run, wanted: tuple[str, ...]) -> int:
    """1 where a row failed, is not proven or missed its quality, or a wanted one is not there."""
    if run.state == "interrupted":
        return ExitCode.INTERRUPTED
    wrong = any(
        cell.outcome.status not in {"ok", "unsupported"}
        or (cell.quality is not None and cell.quality.reached is False)
        for cell in run.cells
    )
    absent = any(missing.backend in wanted for missing in run.unavailable)
    return ExitCode.PROBLEMS if wrong or absent else ExitCode.DONE
