"""`envdoctor runs`: the runs that are kept, and what became of a workload over time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from envdoctor.cli import candidates
from envdoctor.errors import ExitCode, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from envdoctor.library.history import Trend
    from envdoctor.library.pruning import Pruning
    from envdoctor.library.records import Entry, Listing
    from envdoctor.model.cell import Row

FORMATS = ("console", "json")
SHOWN = 20

format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="console",
    show_default=True,
    help="For people, or for programs.",
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


@click.group()
def runs() -> None:
    """List, show, name and delete the runs that `envdoctor bench` has kept.

    A run is meant by its id, by the beginning of one, or by a name that you gave it.

    \b
    envdoctor runs list
    envdoctor runs show 20260101-120000-ab12
    envdoctor runs name 20260101-120000-ab12 before-upgrade
    envdoctor runs trend mlp-tiny
    envdoctor runs prune --keep 50
    """


@runs.command(name="list")
@click.option("--all", "everything", is_flag=True, help=f"Not only the newest {SHOWN}.")
@format_option
def list_(everything: bool, format_name: str) -> int:
    """List the runs, newest first, and say which files are none.

    \b
    envdoctor runs list
    envdoctor runs list --all --format json
    """
    listing = _list(None if everything else SHOWN)
    if format_name == "json":
        from envdoctor.report.runs import write_json

        write_json(listing, sys.stdout)
    else:
        from rich.console import Console

        from envdoctor.report.runs import show_listing

        show_listing(listing, Console())
    return ExitCode.DONE


@runs.command()
@click.argument("run", metavar="RUN", shell_complete=candidates.runs)
def show(run: str) -> int:
    """Print the tables of a run again, from its raw blocks.

    \b
    envdoctor runs show 20260101-120000-ab12
    envdoctor runs show before-upgrade
    """
    from rich.console import Console

    from envdoctor.model import codec
    from envdoctor.report.console import show_run

    show_run(codec.read(_find(run)), Console())
    return ExitCode.DONE


@runs.command()
@click.argument("run", metavar="RUN", shell_complete=candidates.runs)
@click.argument("name", metavar="NAME")
def name(run: str, name: str) -> int:
    """Call a run by a name, which then does for its id, and keeps it from being pruned.

    \b
    envdoctor runs name 20260101-120000-ab12 before-upgrade
    envdoctor runs name 2026010 baseline
    """
    from envdoctor.library.names import set_name

    path = _find(run)
    before = set_name(path.parent, name, path.stem)
    moved = f", which was {before}" if before else ""
    click.echo(f"{path.stem} is now `{name}`{moved}.", err=True)
    return ExitCode.DONE


@runs.command()
@click.argument("ids", metavar="RUN...", nargs=-1, required=True, shell_complete=candidates.runs)
@yes_option
def delete(ids: tuple[str, ...], yes: bool) -> int:
    """Delete runs, with their names, after asking.

    \b
    envdoctor runs delete 20260101-120000-ab12
    envdoctor runs delete before-upgrade after-upgrade --yes
    """
    from envdoctor.library.folder import delete_run

    paths = list(dict.fromkeys(_find(each) for each in ids))
    for path in paths:
        click.echo(f"  {path}", err=True)
    if not _agreed(len(paths), yes=yes):
        return ExitCode.DONE
    for path in paths:
        delete_run(path)
    return ExitCode.DONE


@runs.command()
@click.option("--keep", type=click.IntRange(0), metavar="N", help="Keep the newest N.")
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Keep what is younger.",
)
@yes_option
def prune(keep: int | None, days: float | None, yes: bool) -> int:
    """Delete what is too many or too old, after saying what that is and asking.

    With both limits a run goes only if both say so. Runs with a name stay, and so do files that
    are no runs.

    \b
    envdoctor runs prune --keep 50
    envdoctor runs prune --older-than 90 --yes
    """
    from datetime import UTC, datetime

    from rich.console import Console

    from envdoctor.library.folder import delete_run, runs_folder
    from envdoctor.library.pruning import choose_pruned
    from envdoctor.report.runs import show_pruning

    if keep is None and days is None:
        raise InputError("prune needs a limit.", "--keep 50, or --older-than 90, or both.")
    runs_ = _list(None, judged=False).runs
    pruning: Pruning = choose_pruned(runs_, keep=keep, older_than_days=days, now=datetime.now(UTC))
    show_pruning(pruning, Console(stderr=True))
    if not pruning.deleted:
        click.echo("Nothing to delete.", err=True)
    elif _agreed(len(pruning.deleted), yes=yes):
        for entry in pruning.deleted:
            delete_run(runs_folder() / f"{entry.id}.json")
    return ExitCode.DONE


@runs.command()
@click.argument("workload", metavar="WORKLOAD", shell_complete=candidates.workloads)
@click.option("--row", "titles", multiple=True, metavar="ROW", help="Only this row; repeat.")
@click.option(
    "--last",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    metavar="N",
    help="Look at the newest N runs of the workload.",
)
@format_option
def trend(workload: str, titles: tuple[str, ...], last: int, format_name: str) -> int:
    """Follow WORKLOAD over time on the machine of its latest run.

    Each row has its time per step in every run, with the framework's version. The latest run is
    then compared with the best earlier one, as `envdoctor compare` does it. Runs of another
    machine, or of other data, are left out and named.

    \b
    envdoctor runs trend mlp-tiny
    envdoctor runs trend mlp-tiny --row "torch compile" --format json
    """
    found = _trend(workload, titles, last)
    if format_name == "json":
        from envdoctor.report.trend import write_json

        write_json(found, sys.stdout)
    else:
        from rich.console import Console

        from envdoctor.report.trend import show_trend

        show_trend(found, Console())
    return ExitCode.DONE if found.comparison else ExitCode.INCOMPLETE


def _trend(workload: str, titles: tuple[str, ...], last: int) -> Trend:
    from envdoctor.library.folder import runs_folder
    from envdoctor.library.trends import trend as follow

    entries = _list(None, judged=False).runs
    _check_titles(titles, [entry for entry in entries if workload in entry.workloads])
    measured = [entry for entry in entries if workload in entry.workloads][:last]
    folder = runs_folder()

    def wanted(row: Row) -> bool:
        return not titles or row.title in titles

    def place(entry: Entry) -> Path:
        return folder / f"{entry.id}.json"

    return follow(measured or entries, place, workload, wanted=wanted)


def _check_titles(titles: tuple[str, ...], entries: list[Entry]) -> None:
    """Refuse a row that no run has."""
    known = list(dict.fromkeys(row for entry in entries for row in entry.rows))
    for title in titles:
        if entries and title not in known:
            raise InputError(f"no stored run has a row `{title}`.", f"Known: {', '.join(known)}.")


def _list(limit: int | None, *, judged: bool = True) -> Listing:
    from envdoctor.library.folder import runs_folder
    from envdoctor.library.index import list_runs

    return list_runs(runs_folder(), limit=limit, judged=judged)


def _find(text: str) -> Path:
    from envdoctor.library.folder import find_run, runs_folder

    return find_run(runs_folder(), text)


def _agreed(count: int, *, yes: bool) -> bool:
    """Whether to delete; without a terminal only --yes will do."""
    if not yes and not sys.stdin.isatty():
        raise InputError("nobody can be asked here.", "Say --yes if you mean it.")
    what = "this run" if count == 1 else f"these {count} runs"
    return yes or click.confirm(f"Delete {what}?", err=True)
