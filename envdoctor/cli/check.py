"""`envdoctor check`: what is wrong with an environment, why, and what mends it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envdoctor.cli import candidates
from envdoctor.cli.doctor_output import ask_ahead
from envdoctor.cli.grouped import GroupedCommand
from envdoctor.errors import ExitCode, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.api import Check
    from envdoctor.diagnosis.probing import Tell
    from envdoctor.model.diagnosis import Diagnosis
    from envdoctor.model.snapshot import Snapshot
    from envdoctor.plugins import Plugins
    from envdoctor.target.inspection import Ahead

FORMATS = ("console", "json", "markdown", "junit")
PROBES_SECONDS = 20.0
"""A guess at what exercising takes, until some of it is done."""


HEADINGS = {
    "What to look at": ("--deep", "--python", "--kernels", "--facts"),
    "Single checks": ("--only", "--skip", "--list", "--explain"),
    "What to show": ("--format", "--output", "--verbose", "--redact"),
    "In a build": ("--fail-on", "--strict"),
}


@click.command(cls=GroupedCommand, headings=HEADINGS)
@click.option("--deep", is_flag=True, help="Also exercise every framework on every device.")
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="PATH",
    help="Look at another environment, in which envdoctor need not be installed; repeat.",
)
@click.option("--kernels", is_flag=True, help="Also look at the registered Jupyter kernels.")
@click.option(
    "--facts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Judge what `envdoctor info --format json` wrote, perhaps elsewhere.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="ID",
    help="Run only this check; repeat.",
    shell_complete=candidates.checks,
)
@click.option(
    "--skip",
    multiple=True,
    metavar="ID",
    help="Leave out this check; repeat.",
    shell_complete=candidates.checks,
)
@click.option("--list", "listing", is_flag=True, help="List the checks and do nothing else.")
@click.option(
    "--explain",
    metavar="ID",
    help="Say what a check looks for, and do nothing else.",
    shell_complete=candidates.checks,
)
@click.option(
    "--fail-on",
    type=click.Choice(["warn", "fail"]),
    default="fail",
    show_default=True,
    help="End with 1 from this on.",
)
@click.option("--strict", is_flag=True, help="End with 3 if something could not be checked.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="console",
    metavar="NAME",
    help="console (the default), json, markdown or junit.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write the report to a file.")
@click.option("--verbose", "-v", is_flag=True, help="Also show notes, mutes and every check.")
@click.option(
    "--redact/--no-redact",
    default=None,
    help="Hide names, addresses and secrets; default: in files and in formats for machines.",
)
@click.pass_obj
def check(strangers: bool, /, **values: Any) -> int:
    """Say what is wrong with a machine-learning environment, why, and what mends it.

    It imports no framework, so that a broken one cannot stop it, and changes nothing.

    \b
    envdoctor check
    envdoctor check --deep
    envdoctor check --python /path/to/venv/bin/python --fail-on warn
    envdoctor check --explain torch-cpu-wheel-on-gpu-host
    envdoctor check --format json --output check.json
    """
    _refuse_contradictions(values)
    if values["explain"] is not None or values["listing"] or values["facts"] is not None:
        return _check(strangers, values, None)
    # The children look while this process imports what judges their answers.
    with ask_ahead(values["pythons"]) as ahead:
        return _check(strangers, values, ahead)


def _check(strangers: bool, values: dict[str, Any], ahead: Ahead | None) -> int:
    from envdoctor.diagnosis.judge import choose_checks, require_known
    from envdoctor.plugins import load_plugins
    from envdoctor.report import doctor_listing

    loaded = load_plugins(strangers=strangers)
    checks = loaded.checks()
    if values["explain"] is not None:
        require_known(values["explain"], {each.id for each in checks})
        asked = next(each for each in checks if each.id == values["explain"])
        _tell(doctor_listing.explain(asked, _width()))
        return ExitCode.DONE
    chosen = choose_checks(checks, values["only"], values["skip"])
    if values["listing"]:
        _tell(doctor_listing.list_checks(chosen, _width()))
        return ExitCode.DONE
    diagnosis = _diagnose(loaded, chosen, values, ahead)
    _report(diagnosis, values)
    return exit_code(diagnosis, fail_on=values["fail_on"], strict=values["strict"])


def _refuse_contradictions(values: dict[str, Any]) -> None:
    if values["facts"] is not None:
        for name in ("deep", "pythons", "kernels"):
            if values[name]:
                option = "--python" if name == "pythons" else f"--{name}"
                raise InputError(f"--facts and {option} contradict each other.", "Drop one.")


def _diagnose(
    loaded: Plugins, checks: Sequence[Check], values: dict[str, Any], ahead: Ahead | None
) -> Diagnosis:
    from datetime import datetime

    from envdoctor import __version__
    from envdoctor.checks.compat import valid_as_of
    from envdoctor.diagnosis import mutes
    from envdoctor.diagnosis.judge import judge
    from envdoctor.model.diagnosis import Diagnosis

    # Another machine's findings are not what somebody here has muted.
    wishes = [] if values["facts"] is not None else _read_mutes(loaded)
    snapshots, notes = _snapshots(loaded, values, ahead)
    today = datetime.now().astimezone().date()
    reasons = mutes.holding(wishes, today)
    return Diagnosis(
        envdoctor_version=__version__,
        valid_as_of=valid_as_of(),
        targets=tuple(judge(checks, snapshot, reasons) for snapshot in snapshots),
        notes=(
            *mutes.expired(wishes, today),
            *(f"Plugin left out: {each.plugin}: {each.reason}." for each in loaded.broken),
            *notes,
        ),
    )


def _read_mutes(loaded: Plugins) -> list[Any]:
    import platformdirs

    from envdoctor.cli import doctor_output
    from envdoctor.diagnosis.mutes import read_mutes

    whole = not (loaded.broken or loaded.disabled)
    known = {each.id for each in loaded.checks()} if whole else None
    return read_mutes(doctor_output.here(), platformdirs.user_config_path("envdoctor"), known)


def _snapshots(
    loaded: Plugins, values: dict[str, Any], ahead: Ahead | None
) -> tuple[list[Snapshot], list[str]]:
    """What is to be judged, and what is to be said of what is not."""
    if ahead is None:
        from envdoctor.model.doctor_codec import read_snapshot

        return [read_snapshot(values["facts"])], []
    from envdoctor.diagnosis.examine import examine, examine_kernels

    with _progress(values["deep"]) as tell:
        found = examine(loaded, ahead.interpreters, ahead, tell)
        if not values["kernels"]:
            return found, []
        more, notes = examine_kernels(loaded, found, ahead, tell)
    return [*found, *more], notes


@contextmanager
def _progress(deep: bool) -> Iterator[Tell | None]:
    """Whom to tell how far the probes are; None where nothing takes long."""
    if not deep:
        yield None
        return
    from envdoctor.bench.events import Began, Doing, Piece
    from envdoctor.cli.progress import Progress

    with Progress([Piece("proving", PROBES_SECONDS)]) as progress:
        progress.show(Began("exercising", PROBES_SECONDS, "proving"))
        yield lambda what, done: progress.show(Doing(what, done))


def _report(diagnosis: Diagnosis, values: dict[str, Any]) -> None:
    from envdoctor.cli.doctor_output import open_output, redact

    format_name, output = values["format_name"], values["output"]
    if values["redact"] or (values["redact"] is None and (output or format_name != "console")):
        diagnosis = redact(diagnosis, [target.snapshot for target in diagnosis.targets])
    with open_output(output) as stream:
        if format_name == "json":
            from envdoctor.report import doctor_json

            doctor_json.write(diagnosis, stream)
        elif format_name == "markdown":
            from envdoctor.report import doctor_markdown

            doctor_markdown.write(diagnosis, stream)
        elif format_name == "junit":
            from envdoctor.report import doctor_junit

            doctor_junit.write(diagnosis, stream, values["fail_on"])
        else:
            _show(diagnosis, stream, verbose=values["verbose"])


def _show(diagnosis: Diagnosis, stream: Any, *, verbose: bool) -> None:
    from envdoctor.cli.doctor_output import look_of
    from envdoctor.report.doctor_console import render

    look = look_of(stream, _width(), verbose=verbose)
    stream.writelines(f"{line}\n" for line in render(diagnosis, look))


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def _tell(lines: Any) -> None:
    for line in lines:
        click.echo(line)


def exit_code(diagnosis: Diagnosis, *, fail_on: str, strict: bool) -> int:
    """1 if something was found at or above `fail_on`, 3 if the answer is incomplete, else 0.

    Incomplete is an answer without a single check, and, if strict, one with something that could
    not be checked. A consequence counts like any finding; a muted finding does not.
    """
    counts = [target.counts for target in diagnosis.targets]
    if any(each.fail or (fail_on == "warn" and each.warn) for each in counts):
        return ExitCode.PROBLEMS
    nothing = not any(each.checks for each in counts)
    if nothing or (strict and any(each.error for each in counts)):
        return ExitCode.INCOMPLETE
    return ExitCode.DONE
