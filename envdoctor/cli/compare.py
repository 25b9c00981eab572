"""`envdoctor compare`: two runs, row by row."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envdoctor.cli import candidates
from envdoctor.errors import ExitCode, InputError

if TYPE_CHECKING:
    from envdoctor.model.comparison import Comparison
    from envdoctor.statistics.conditions import Condition

FORMATS = ("console", "json", "markdown", "csv")


@click.command()
@click.argument("a", shell_complete=candidates.runs_or_files)
@click.argument("b", shell_complete=candidates.runs_or_files)
@click.option(
    "--fail-if",
    "texts",
    multiple=True,
    metavar="CONDITION",
    help="End with 1 if this surely holds, such as 'B > 1.05x A'; repeat.",
)
@click.option(
    "--margin",
    type=float,
    default=0.02,
    show_default=True,
    metavar="SHARE",
    help="Differences up to this are a tie.",
)
@click.option(
    "--absolute",
    is_flag=True,
    help="Compare step times as they are, not relative to a row that both runs hold.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="console",
    metavar="NAME",
    help="console (the default), json, markdown or csv.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write the format to a file.")
def compare(a: str, b: str, **values: Any) -> int:
    """Compare the runs A (before) and B (after), row by row.

    A run is a run file, or the id or the name of a stored run.

    Ratios are B over A, with an interval. Two runs are compared only where they did the same:
    the same workload, data, weights and batches, on the same kind and number of CPUs.

    \b
    envdoctor compare before.json after.json
    envdoctor compare before.json after.json --fail-if "B > 1.05x A"
    envdoctor compare before.json after.json --fail-if "torch: B > 1.1x A"
    envdoctor compare before.json after.json --format markdown --output change.md
    """
    from msgspec import structs

    from envdoctor.library.folder import find_run_or_file, runs_folder
    from envdoctor.model import codec
    from envdoctor.statistics.conditions import parse
    from envdoctor.statistics.findings import evaluate, evaluate_between
    from envdoctor.statistics.runs import compare_runs

    _check_output(values["format_name"], values["output"])
    conditions: list[Condition] = [parse(text) for text in values["texts"]]
    before, after = (codec.read(find_run_or_file(runs_folder(), text)) for text in (a, b))
    comparison = compare_runs(before, after, margin=values["margin"], absolute=values["absolute"])
    findings = tuple(
        evaluate_between(condition, comparison)
        if condition.between_runs
        else evaluate(condition, after)
        for condition in conditions
    )
    comparison = structs.replace(comparison, findings=findings)
    _export(comparison, values["format_name"], values["output"])
    return exit_code(comparison)


def _check_output(format_name: str, output: Path | None) -> None:
    if output is not None and format_name == "console":
        raise InputError("--output needs a --format for files.", "Such as --format markdown.")


def _export(comparison: Comparison, format_name: str, output: Path | None) -> None:
    from envdoctor.report.comparison_formats import WRITERS, show_comparison

    if format_name == "console":
        from rich.console import Console

        show_comparison(comparison, Console())
        return
    write = WRITERS[format_name]
    if output is None:
        write(comparison, sys.stdout)
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as stream:
            write(comparison, stream)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{output} cannot be written ({reason}).") from error


def exit_code(comparison: Comparison) -> int:
    """1 if something was found, 3 if something that was asked cannot be told, else 0.

    Found is a condition that failed, a row that may not be compared, or one that has lost the
    speed that it had. A slower row is a result, and a problem only to a condition.
    """
    results = {finding.result for finding in comparison.findings}
    statuses = {pair.status for pair in comparison.pairs}
    lost = any(pair.status == "no speed" and pair.a and not pair.b for pair in comparison.pairs)
    if "failed" in results or "not comparable" in statuses or lost:
        return ExitCode.PROBLEMS
    if "cannot be told" in results or "too noisy" in statuses or "compared" not in statuses:
        return ExitCode.INCOMPLETE
    return ExitCode.DONE
