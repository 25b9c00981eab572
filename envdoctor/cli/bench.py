"""`envdoctor bench`: train, prove, measure, tabulate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envdoctor.bench.presets import FEWEST_FOLDS, MOST_FOLDS
from envdoctor.cli import candidates
from envdoctor.cli.grouped import GroupedCommand
from envdoctor.cli.options import ROW_HEADINGS, finite, order_of, row_options, wishes_of
from envdoctor.errors import ExitCode, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.api import Exporter
    from envdoctor.model.run import Run
    from envdoctor.plugins import Plugins
    from envdoctor.statistics.conditions import Condition


HEADINGS = {
    **ROW_HEADINGS,
    "How thoroughly": (
        "--quick",
        "--rigorous",
        "--time-limit",
        "--margin",
        "--folds",
        "--fresh",
        "--energy",
    ),
    "What to show, and to keep": (
        "--format",
        "--output",
        "--metrics",
        "--quiet",
        "--save",
        "--recompute",
    ),
    "In a build": ("--fail-if",),
}


@click.command(cls=GroupedCommand, headings=HEADINGS)
@row_options
@click.option(
    "--format",
    "format_name",
    default="console",
    show_default=True,
    metavar="NAME",
    help="console, csv, html, json, jsonl, junit, markdown or a plugin's.",
    shell_complete=candidates.run_formats,
)
@click.option("--output", type=click.Path(path_type=Path), help="Write the format to a file.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    help="Where to keep the run file; default: your data folder.",
)
@click.option(
    "--recompute",
    type=click.Path(path_type=Path),
    help="Make the table of a saved run again, from its raw blocks.",
)
@click.option(
    "--precision",
    "precisions",
    type=click.Choice(["fp32", "tf32", "bf16", "fp16"]),
    multiple=True,
    metavar="NAME",
    help="fp32 (strict, the default), tf32, bf16 or fp16 for the products; repeat.",
)
@click.option(
    "--metrics",
    is_flag=True,
    help="Also print precision, recall, F1, ROC AUC, R2 or perplexity, and the gap to training.",
)
@click.option("--quick", "preset", flag_value="quick", help="One launch; stops at ±5 %.")
@click.option(
    "--rigorous", "preset", flag_value="rigorous", help="Five launches, all anew; stops at ±1 %."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    callback=finite,
    help="Begin no round after so long; what could not be settled is said.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.02,
    show_default=True,
    metavar="SHARE",
    callback=finite,
    help="Rows as near as this are a tie.",
)
@click.option(
    "--folds",
    type=click.IntRange(FEWEST_FOLDS, MOST_FOLDS),
    metavar="NUMBER",
    help="Also train on each of so many folds of the data: the metric's mean and spread.",
)
@click.option(
    "--fresh", is_flag=True, help="Prove, train and compile anew what earlier runs have kept."
)
@click.option(
    "--energy", is_flag=True, help="Measure energy too, where it can be read; 30 s a row and more."
)
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="End with 1 if this surely holds, such as 'torch > 1.10x jax'; repeat.",
)
@click.option(
    "--no-stopping",
    is_flag=True,
    hidden=True,
    help="Let idle workers run on beside the active one.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
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
    envdoctor bench --quick --fail-if "torch > 1.10x jax"
    """
    from envdoctor.model import codec
    from envdoctor.plugins import load_plugins

    loaded = load_plugins(strangers=strangers)
    _check_output(loaded, values["format_name"], values["output"])
    conditions = [_condition(text) for text in values["conditions"]]
    saved = values["recompute"]
    run = codec.read(saved) if saved else _run(loaded, values, conditions)
    _export(run, loaded, values["format_name"], values["output"])
    if values["metrics"] and values["format_name"] == "console":
        _show_metrics(run)
    codes = {_exit_code(run, values["backends"]), _evaluate(run, conditions)}
    order = (ExitCode.INTERRUPTED, ExitCode.PROBLEMS, ExitCode.INCOMPLETE, ExitCode.DONE)
    return next(code for code in order if code in codes)


def _condition(text: str) -> Condition:
    """A condition on the rows of one run."""
    from envdoctor.statistics.conditions import EXAMPLE, parse

    condition = parse(text)
    if condition.between_runs:
        raise InputError(
            f"--fail-if {text}: a condition on two runs is for `envdoctor compare`.",
            f"Such as: {EXAMPLE}",
        )
    return condition


def _evaluate(run: Run, conditions: Sequence[Condition]) -> int:
    """Say how the conditions came out, on standard error; 1 if one failed, 3 if one is open."""
    from envdoctor.report.comparison import finding_lines
    from envdoctor.statistics.findings import evaluate

    if run.state == "interrupted":
        return ExitCode.DONE
    findings = [evaluate(condition, run) for condition in conditions]
    for finding in findings:
        for line in finding_lines(finding):
            click.echo(line, err=True)
    results = {finding.result for finding in findings}
    if "failed" in results:
        return ExitCode.PROBLEMS
    return ExitCode.INCOMPLETE if "cannot be told" in results else ExitCode.DONE


def _run(loaded: Plugins, values: dict[str, Any], conditions: Sequence[Condition]) -> Run:
    """Do the run, saving after each cell; an interruption keeps what was finished."""
    from envdoctor.bench.engine import bench as engine
    from envdoctor.bench.engine import close_run, new_run, planned_pieces
    from envdoctor.bench.events import Saved
    from envdoctor.bench.plan import choose_rows
    from envdoctor.cli.progress import Progress
    from envdoctor.model import codec

    wishes = wishes_of(values)
    order = order_of(loaded, wishes, choose_rows(loaded, wishes), values)
    run = new_run(order)
    _check_conditions(run, conditions)
    path = values["save"] or _default_path(run.id)
    codec.write(run, path)  # a place that cannot be written is known before the work, not after
    events = engine(order, run)
    try:
        with Progress(planned_pieces(order), order.keep_in, quiet=values["quiet"]) as progress:
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


def _check_conditions(run: Run, conditions: Sequence[Condition]) -> None:
    """Refuse a name that nobody bears before the work, not after."""
    from envdoctor.statistics.conditions import check_names

    absent = {each.backend: each.reason for each in run.unavailable}
    for condition in conditions:
        check_names(condition, run.plan.rows, run.plan.workloads, absent)


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


def _show_metrics(run: Run) -> None:
    """Print the measures of quality that the tables have no room for."""
    from rich.console import Console

    from envdoctor.report.metrics import show_metrics

    show_metrics(run, Console())


def _exit_code(run: Run, wanted: tuple[str, ...]) -> int:
    """1 where a row failed, is not proven or missed its quality, or a wanted one is not there.

    3 where the machine was too noisy to rank anything.
    """
    from envdoctor.statistics.ranking import TOO_NOISY, rankings

    if run.state == "interrupted":
        return ExitCode.INTERRUPTED
    wrong = any(
        cell.outcome.status not in {"ok", "unsupported"}
        or (cell.quality is not None and cell.quality.reached is False)
        or (cell.folds is not None and cell.folds.outcome is not None)
        for cell in run.cells
    )
    absent = any(missing.backend in wanted for missing in run.unavailable)
    if wrong or absent:
        return ExitCode.PROBLEMS
    found = [ranking for name in run.plan.workloads for ranking in rankings(run, name)]
    noisy = any(each.reason == TOO_NOISY and len(each.places) > 1 for each in found)
    return ExitCode.INCOMPLETE if noisy else ExitCode.DONE
