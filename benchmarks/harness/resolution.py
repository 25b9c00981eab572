"""How often the tool is right about equal rows, and about one that takes 1.05 times as long.

Runs the benchmark itself, as a user does, again and again: NumPy, its twin, a copy of it, and a
copy with 5 % planted on every step (the test plugin `slowed`). Counts how often equal rows are
called different, and how often the slow one is called slower: in all runs, and in those of a quiet
machine, with a grade A or B; one or the other must be 19 of 20. With `--load` another process keeps
one CPU busy: then the tool may repeat rounds, lower its grade or decline to rank, but equal rows
must not be told apart.

    python benchmarks/harness/resolution.py --runs 20
    python benchmarks/harness/resolution.py --runs 20 --load
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envdoctor.model import codec
from envdoctor.statistics.paired import compare
from envdoctor.statistics.pairing import paired_seconds, twins
from envdoctor.statistics.ranking import rank

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.run import Run

SLOWED = Path(__file__).parents[2] / "tests" / "strangers" / "slowed"
EQUAL = {"numpy", "slowed plain"}
SLOW = "slowed by5"
LOAD = "import time\nwhile True:\n    time.time()"
QUIET = "quiet (grade A or B)"
FOUND = "planted 5 % called slower"
MOST_FALSE = 0.05
LEAST_FOUND = 0.95


@click.command(help=__doc__)
@click.option("--runs", default=20, show_default=True)
@click.option("--workload", default="mlp-tiny", show_default=True)
@click.option("--load", is_flag=True, help="Keep one CPU busy beside every run.")
@click.argument("options", nargs=-1)
def main(*, runs: int, workload: str, load: bool, options: tuple[str, ...]) -> None:
    """Print a line for each run and the counts; exits 1 beyond the bounds."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            with _busy(wanted=load):
                run = _bench(workload, Path(folder) / "run.json", number, options)
            counts.update(_judge(run, workload, number))
    click.echo(", ".join(f"{name}: {count} of {runs}" for name, count in sorted(counts.items())))
    sys.exit(0 if _is_right(counts, runs, load=load) else 1)


def _is_right(counts: Counter[str], runs: int, *, load: bool) -> bool:
    """Whether equal rows were left alone, and the slow one found, if only where it was quiet."""
    false = counts["equal rows called different"] + counts["twin called different"]
    quiet = counts[QUIET]
    found = counts[FOUND] >= LEAST_FOUND * runs
    found = found or (quiet > 0 and counts[f"{QUIET} and {FOUND}"] >= LEAST_FOUND * quiet)
    return false <= MOST_FALSE * runs and (load or found)


def _bench(workload: str, path: Path, seed: int, options: tuple[str, ...]) -> Run:
    modes = [f"--mode={mode}" for mode in ("numpy", "plain", "by5")]
    words = ["bench", workload, "--backend", "numpy", "--backend", "slowed", *modes, *options]
    finished = subprocess.run(
        [sys.executable, "-m", "envdoctor", *words, "--seed", str(seed), "--save", str(path), "-q"],
        env={**os.environ, "PYTHONPATH": str(SLOWED)},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode not in {0, 3}:
        sys.exit(finished.stderr)
    return codec.read(path)


def _judge(run: Run, workload: str, number: int) -> list[str]:
    """What a run said, for the counts; a line of it is printed."""
    ranking = rank(run, workload)
    resolution = ranking.resolution
    said = [f"grade {resolution.grade if resolution else '-'}"]
    verdicts: dict[str, str] = {}
    for place in ranking.places:
        if ranking.rankable:
            verdicts[place.cell.row.title] = place.comparison.verdict if place.comparison else ""
    slower = {title for title, verdict in verdicts.items() if verdict == "slower"}
    # With the slow row as the fastest, the equal ones would be called slower: that is false too.
    if slower & EQUAL:
        said.append("equal rows called different")
    if SLOW in slower:
        said.append(FOUND)
    if resolution is not None and resolution.grade in {"A", "B"}:
        said += [QUIET, f"{QUIET} and {FOUND}"] if SLOW in slower else [QUIET]
    pair = twins(run, workload)
    if pair is not None and ranking.rankable:
        times, others = paired_seconds(run, *pair)
        verdict = compare(times, others, comparisons=1, margin=run.plan.margin).verdict
        if verdict in {"slower", "faster"}:
            said.append("twin called different")
    repeats = sum(1 for turn in run.rounds if not turn.kept)
    kept = sum(1 for turn in run.rounds if turn.kept)
    click.echo(f"{number + 1:3}: {kept} rounds, {repeats} repeated; {verdicts}; {'; '.join(said)}")
    return said


@contextmanager
def _busy(*, wanted: bool) -> Iterator[None]:
    """Another process on one CPU, if it is wanted."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", LOAD])
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
