"""How fast the command line starts, and how much memory the core takes.

    python benchmarks/harness/command_line.py [--quick]

Time: `envdoctor --help` against a Python that does no more than import Click and show the help of
an empty command, started in turn. Budget: three times as long, judged on the middle of the ratios.
Memory: the peak of a process that has imported all that a benchmark needs in the core, has read
every shipped workload and has drawn the weights of the tiny and small ones; those of larger ones
take what the model takes. Budget: 150 MB. A framework in the core would break both.

Exit code 1: a budget is exceeded.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from statistics import median

import click

MOST_RATIO = 3.0
MOST_BYTES = 150_000_000

CLICK_ALONE = (sys.executable, "-c", "import click; click.command()(lambda: None)(['--help'])")
ENVDOCTOR = (sys.executable, "-m", "envdoctor", "--help")
CORE = """
import envdoctor.bench.engine, envdoctor.cli.bench, envdoctor.report.table
from envdoctor.child.memory import read_memory
from envdoctor.plugins import load_plugins
from envdoctor.workload.prepare import prepare
plugins = load_plugins(strangers=False)
for file in plugins.workload_files():
    prepared = prepare(file.path, plugins.data_sets(), seed=0)
    if file.name.endswith(("-tiny", "-small")):
        prepared.weights()
memory = read_memory()
print(memory["peak_bytes"] if memory else 0)
"""


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--quick", is_flag=True, help="Fewer starts.")
def main(*, quick: bool) -> None:
    """Print both figures beside their budgets."""
    ratio, seconds = start_ratio(5 if quick else 20)
    peak_bytes = core_peak_bytes()
    click.echo(f"start    {ratio:.2f} times Click alone, {seconds:.3f} s (budget {MOST_RATIO:g})")
    shown = f"{peak_bytes / 1e6:.0f} MB" if peak_bytes else "not measurable here"
    click.echo(f"memory   {shown} (budget {MOST_BYTES / 1e6:.0f} MB)")
    sys.exit(1 if ratio > MOST_RATIO or peak_bytes > MOST_BYTES else 0)


def start_ratio(rounds: int) -> tuple[float, float]:
    """The middle ratio of the two times, and the middle time of ours in seconds."""
    order = random.Random(0)  # noqa: S311
    for command in (ENVDOCTOR, CLICK_ALONE):
        _seconds(command)  # so that all files are in the page cache
    ratios, ours = [], []
    for _ in range(rounds):
        found = {
            command: _seconds(command) for command in order.sample((ENVDOCTOR, CLICK_ALONE), 2)
        }
        ratios.append(found[ENVDOCTOR] / found[CLICK_ALONE])
        ours.append(found[ENVDOCTOR])
    return median(ratios), median(ours)


def core_peak_bytes() -> int:
    """The peak of resident memory in the core; 0 where the system does not tell."""
    command = [sys.executable, "-c", CORE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def _seconds(command: tuple[str, ...]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
