"""How long a benchmark takes with each preset: six rows on the three tiny workloads.

    python benchmarks/harness/durations.py [--cold]

A first run with `--quick` proves and trains what is not kept yet, and compiles; then each preset is
timed, with the caches warm. Budgets, on two CPUs: 2 minutes with `--quick`, 6 minutes by default.
With `--cold` the first run starts from nothing kept and is timed, too.

Exit code 1: a run took longer than its budget, or ended otherwise than done or too noisy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envdoctor.model import codec
from envdoctor.statistics.pairing import round_seconds
from envdoctor.statistics.ranking import resolution_of

if TYPE_CHECKING:
    from envdoctor.model.run import Run

ROWS = ("numpy", "torch", "tensorflow", "jax")
BUDGETS = {"--quick": 120.0, "": 360.0}
DONE = {0, 3}
"""Also of a run that was too noisy to rank: how long it takes is another question."""


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--cold", is_flag=True, help="Start from nothing kept.")
def main(*, cold: bool) -> None:
    """Print a line for each run; what it is made of stands beside it."""
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        variables = {"XDG_CACHE_HOME": folder} if cold else {}
        _run("--quick", Path(folder), variables, "with nothing kept" if cold else "")
        for preset, budget in BUDGETS.items():
            seconds = _run(preset, Path(folder), variables, f"(budget {budget:g} s)")
            kept = kept and seconds <= budget
    sys.exit(0 if kept else 1)


def _run(preset: str, folder: Path, variables: dict[str, str], note: str) -> float:
    """Run it once and say how long it took; without a note nothing is said."""
    path = folder / "run.json"
    chosen = [word for name in ROWS for word in ("--backend", name)]
    command = [sys.executable, "-m", "envdoctor", "bench", *chosen, "-q", "--save", str(path)]
    begun = time.perf_counter()
    done = subprocess.run(
        [*command, *preset.split()],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - begun
    if done.returncode not in DONE:
        raise click.ClickException(f"the run ended with {done.returncode}: {done.stderr}")
    if note:
        click.echo(f"{preset or 'default':8} {seconds:4.0f} s {note}; {_made_of(codec.read(path))}")
    return seconds


def _made_of(run: Run) -> str:
    """The rounds and the grade of each workload, and the share of the time that rounds took."""
    parts, rounds_seconds = [], 0.0
    for workload in run.plan.workloads:
        rounds = sum(turn.kept for turn in run.rounds if turn.workload == workload)
        rounds_seconds += rounds * (round_seconds(run, workload) or 0.0)
        found = resolution_of(run, workload)
        parts.append(f"{workload} {rounds} rounds, grade {found.grade if found else '-'}")
    rows = len({cell.row.title for cell in run.cells if cell.comparable})
    return f"{rows} rows; {'; '.join(parts)}; {rounds_seconds:.0f} s in blocks"


if __name__ == "__main__":
    main()
