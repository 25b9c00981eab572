"""`envdoctor choose`: which framework for this machine and this need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envdoctor.cli import candidates
from envdoctor.errors import ExitCode, InputError

if TYPE_CHECKING:
    from envdoctor.choose.needs import Needs
    from envdoctor.choose.records import Choice
    from envdoctor.choose.setup import Setup
    from envdoctor.model.run import Run
    from envdoctor.plugins import Plugins

FORMATS = ("console", "json", "markdown")


@click.command()
@click.argument("workloads", nargs=-1, metavar="[WORKLOAD]...", shell_complete=candidates.workloads)
@click.option(
    "--need",
    "texts",
    multiple=True,
    metavar="NEED",
    help="Something that it must be able to do; repeat. See --list-needs.",
)
@click.option("--list-needs", is_flag=True, help="List what --need takes.")
@click.option(
    "--priority",
    type=click.Choice(["speed", "memory", "start-up"]),
    default="speed",
    show_default=True,
    help="What counts among those that fit.",
)
@click.option(
    "--run",
    "given",
    metavar="RUN",
    help="Rank by this stored run or run file.",
    shell_complete=candidates.runs_or_files,
)
@click.option("--measure", is_flag=True, help="Measure now, quickly, and rank by that.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="console",
    show_default=True,
    help="How to write the answer.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write the format to a file.")
@click.option("--quiet", "-q", is_flag=True, help="No progress of --measure.")
@click.pass_obj
def choose(strangers: bool, /, workloads: tuple[str, ...], **values: Any) -> int:
    """Say which framework fits, and which of those is best on this machine.

    What is needed comes first, by facts with sources; then what was measured: by --run, by
    --measure, or by the newest stored run of this machine that holds every WORKLOAD. Each reason
    names the page or the run that it comes from.

    \b
    envdoctor choose
    envdoctor choose --need windows --need export-onnx
    envdoctor choose mlp-tiny --need python=3.14 --priority memory
    envdoctor choose ./my-model.toml --measure
    """
    from envdoctor.choose.data import facts
    from envdoctor.choose.needs import parse

    if values["list_needs"]:
        from rich.console import Console

        from envdoctor.report.choice import show_needs

        show_needs(facts(), Console())
        return ExitCode.DONE
    needs = parse(values["texts"], facts())
    if values["given"] and values["measure"]:
        raise InputError("--run and --measure exclude each other.", "Take one of them.")
    if values["output"] and values["format_name"] == "console":
        raise InputError("--output needs a --format for files.", "Such as --format markdown.")
    choice = _answer(strangers, workloads, needs, values)
    _export(choice, values["format_name"], values["output"])
    return _exit_code(choice)


def _answer(
    strangers: bool, workloads: tuple[str, ...], needs: Needs, values: dict[str, Any]
) -> Choice:
    from dataclasses import replace

    from envdoctor.choose.answer import choose as answer
    from envdoctor.choose.candidates import Question
    from envdoctor.choose.data import facts
    from envdoctor.plugins import load_plugins

    loaded = load_plugins(strangers=strangers)
    question = Question(
        needs=needs,
        priority=values["priority"],
        setup=_examine(loaded),
        facts=facts(),
        frameworks=_names(loaded),
    )
    if values["measure"] and not question.fitting:
        click.echo("Nothing fits, so nothing is measured.", err=True)
        return answer(question)
    run = _find_run(loaded, workloads, question.device, values)
    return answer(replace(question, run=run))


def _names(loaded: Plugins) -> tuple[str, ...]:
    """All that could be chosen: the backends of the plugins."""
    return tuple(backend.name for backend in loaded.backends())


def _examine(loaded: Plugins) -> Setup:
    """What the doctor finds here, without importing a framework."""
    from envdoctor.bench.plan import Wishes, choose_rows
    from envdoctor.choose.setup import setup_of
    from envdoctor.cli import doctor_output
    from envdoctor.diagnosis.examine import examine
    from envdoctor.diagnosis.judge import judge

    with doctor_output.ask_ahead(()) as ahead:
        (snapshot,) = examine(loaded, ahead.interpreters, ahead)
    found = choose_rows(loaded, Wishes())
    versions: dict[str, str] = {}
    for row in found.rows:
        names = (name for name in row.backend.distributions if name in row.versions)
        versions[row.backend.name] = next((row.versions[name] for name in names), "")
    absent = {each.backend: each for each in found.unavailable if each.backend not in versions}
    return setup_of(judge(loaded.checks(), snapshot), versions, absent)


def _find_run(
    loaded: Plugins, workloads: tuple[str, ...], device: str, values: dict[str, Any]
) -> Run | None:
    """The run to rank by; None, with a line that says why, if there is none."""
    from envdoctor.library.folder import find_run_or_file, runs_folder
    from envdoctor.library.index import list_runs
    from envdoctor.library.latest import newest_run
    from envdoctor.model import codec

    if values["measure"]:
        return _measure(loaded, workloads, device, quiet=values["quiet"])
    folder, wanted = runs_folder(), _identify(loaded, workloads)
    if values["given"]:
        return _only(codec.read(find_run_or_file(folder, values["given"])), tuple(wanted))
    from envdoctor.detect.cpu import read_cpu

    run, why = newest_run(
        list_runs(folder, judged=False).runs,
        lambda entry: folder / f"{entry.id}.json",
        cpu_model=read_cpu().model,
        workloads=wanted,
        device=device,
    )
    if run is None:
        click.echo(f"{why} `envdoctor choose --measure` makes one.", err=True)
        return None
    return _only(run, tuple(wanted))


def _identify(loaded: Plugins, workloads: tuple[str, ...]) -> dict[str, str | None]:
    """The names of the workloads; of a file of the user's also the hash of what it describes."""
    files = tuple(each for each in workloads if each.endswith(".toml"))
    if not files:
        return dict.fromkeys(workloads)
    from envdoctor.bench.plan import Wishes, prepare_all
    from envdoctor.bench.records import record_workload

    prepared = prepare_all(loaded, Wishes(workloads=files))
    records = dict(zip(files, map(record_workload, prepared), strict=True))
    found: dict[str, str | None] = {}
    for each in workloads:
        record = records.get(each)
        found[record.name if record else each] = record.workload_sha256 if record else None
    return found


def _only(run: Run, workloads: tuple[str, ...]) -> Run:
    """The run with no other workloads than the wanted ones.

    Raises:
        InputError: the run has not measured one of them.
    """
    from msgspec import structs

    missing = [name for name in workloads if name not in run.plan.workloads]
    if missing:
        known = ", ".join(run.plan.workloads)
        raise InputError(f"run {run.id} has not measured {missing[0]}.", f"It has: {known}.")
    if not workloads:
        return run
    cells = tuple(cell for cell in run.cells if cell.workload in workloads)
    return structs.replace(run, cells=cells, plan=structs.replace(run.plan, workloads=workloads))


def _measure(loaded: Plugins, workloads: tuple[str, ...], device: str, *, quiet: bool) -> Run:
    """A quick run, as `envdoctor bench --quick` does it."""
    from envdoctor.cli.bench import _run

    values: dict[str, Any] = {
        "workloads": workloads,
        "backends": (),
        "modes": (),
        "pythons": (),
        "device": device,
        "threads": None,
        "seed": 0,
        "worker_timeout": 300.0,
        "preset": "quick",
        "save": None,
        "quiet": quiet,
    }
    run = _run(loaded, values, ())
    if run.state == "interrupted":
        raise KeyboardInterrupt  # what was finished is kept, and no ground to choose by
    return run


def _export(choice: Choice, format_name: str, output: Path | None) -> None:
    from envdoctor.cli.doctor_output import open_output
    from envdoctor.report.choice import WRITERS, show_choice

    if format_name == "console":
        from rich.console import Console

        show_choice(choice, Console())
        return
    with open_output(output) as stream:
        WRITERS[format_name](choice, stream)


def _exit_code(choice: Choice) -> int:
    """1 if nothing fits, 3 if what fits could not be ranked."""
    if choice.decision == "none fits":
        return ExitCode.PROBLEMS
    decided = choice.decision in {"one", "tie", "undecided"}
    return ExitCode.DONE if decided else ExitCode.INCOMPLETE
