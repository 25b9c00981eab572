"""How long a list of ten thousand stored runs takes, beside a list of ten.

    python benchmarks/harness/list_runs.py [--quick]

Both folders hold made runs of several sizes. The command `envdoctor runs list` is run on each in
turn, as a process, once with no index and then with one. Times are CPU seconds of the process and
wall seconds; the ratios are of CPU time, the middle of all turns. A list of ten is what the start
of Python, Click and Rich takes.
"""

from __future__ import annotations

import os
import random
import runpy
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click

from envdoctor.model import codec

MANY, FEW = 10_000, 10
FIRST_RUN = datetime(2024, 1, 1, tzinfo=UTC)
MADE = Path(__file__).parents[2] / "tests" / "made_runs.py"
SIZES = ((1, 2), (1, 8), (3, 8), (3, 16))
"""Launches and rounds of the run files: 15 to 80 kB."""


class Taken(NamedTuple):
    """What a process took."""

    cpu_seconds: float
    wall_seconds: float


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--quick", is_flag=True, help="Fewer runs and fewer turns.")
def main(*, quick: bool) -> None:
    """Print the times of both, first and warm, and their ratios."""
    many, turns = (200, 2) if quick else (MANY, 15)
    with tempfile.TemporaryDirectory() as scratch:
        places = {count: Path(scratch) / str(count) for count in (FEW, many)}
        for count, place in places.items():
            total = make_runs(place / "envdoctor" / "runs", count)
            click.echo(f"{count:,} runs, {total / 1e6:.1f} MB")
        _list(places[FEW])  # so that the program's own files are in the page cache
        for name, count_of_turns in (("first", max(1, turns // 5)), ("warm", turns)):
            taken = measure(places, count_of_turns, warm=name == "warm")
            few, most = taken[FEW], taken[many]
            pairs = zip(most, few, strict=True)
            ratio = median(longer.cpu_seconds / shorter.cpu_seconds for longer, shorter in pairs)
            click.echo(
                f"{name:5}  {_shown(most)} for {many:,}, {_shown(few)} for {FEW}: {ratio:.2f}x"
            )


def _shown(taken: list[Taken]) -> str:
    cpu, wall = (median(values) for values in zip(*taken, strict=True))
    return f"{cpu:.3f} s of CPU ({wall:.3f} s)"


def measure(places: dict[int, Path], turns: int, *, warm: bool) -> dict[int, list[Taken]]:
    """The command on each folder in turn, in random order."""
    order = random.Random(0)  # noqa: S311
    found: dict[int, list[Taken]] = {count: [] for count in places}
    for _ in range(turns):
        for count in order.sample(list(places), len(places)):
            if not warm:
                (places[count] / "envdoctor" / "runs" / ".index.json").unlink(missing_ok=True)
            found[count].append(_list(places[count]))
    return found


def _list(place: Path) -> Taken:
    """`envdoctor runs list` of a data folder. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", "envdoctor", "runs", "list"]
    variables = {**os.environ, "XDG_DATA_HOME": str(place)}
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall_seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Taken(usage.ru_utime + usage.ru_stime, wall_seconds)


def make_runs(folder: Path, count: int) -> int:
    """Write so many run files, and return their size in bytes."""
    folder.mkdir(parents=True)
    made_run = runpy.run_path(str(MADE))["made_run"]
    bodies = [
        codec.encode(
            made_run(launches=launches, rounds=rounds, id="@id@", started_at="@moment@")
        ).decode()
        for launches, rounds in SIZES
    ]
    total = 0
    for number in range(count):
        moment = FIRST_RUN + timedelta(minutes=97 * number)
        name = f"{moment:%Y%m%d-%H%M%S}-{number:04x}"
        text = bodies[number % len(bodies)]
        text = text.replace("@id@", name).replace("@moment@", moment.isoformat())
        total += (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return total


if __name__ == "__main__":
    main()
