"""What the harness itself costs: steps timed as a worker times them, against a bare loop of them.

    python benchmarks/harness/overhead.py [--quick] [--backend NAME]... [--workload NAME]...

Both loops take blocks of the same trainer in one process (`two_loops.py`), in turn and in random
order. In two processes they would differ by more than what is looked for: by the luck of their
memory layout, one to three percent. What a whole worker costs beside a bare script is within what
`backends.py` measures. The tiny MLP is the default, because the shorter a step, the more any
overhead shows.

Exit code 1: a step of the worker takes certainly more than 1 % longer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from contest import ROUNDS, Plan, prepare_workload

from envdoctor.api import Setting
from envdoctor.bench.caches import Caches
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.worker import Host
from envdoctor.detect.cpu import choose_cpus, read_cpu
from envdoctor.plugins import load_plugins
from envdoctor.statistics.paired import Comparison, compare, least_rounds

if TYPE_CHECKING:
    from envdoctor.api import Backend

SCRIPT = Path(__file__).with_name("two_loops.py")
BACKENDS = ("numpy", "torch", "tensorflow", "jax")
MOST_OVERHEAD = 0.01


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--quick", is_flag=True, help="One launch.")
@click.option("--backend", "backends", multiple=True, type=click.Choice(BACKENDS))
@click.option("--workload", "workloads", multiple=True, default=("mlp-tiny",))
@click.option("--launches", type=click.IntRange(1), help="Fresh starts.  [default: 3]")
@click.option("--rounds", type=click.IntRange(1), help="Pairs of blocks in each.  [default: 200]")
def main(
    *,
    quick: bool,
    backends: tuple[str, ...],
    workloads: tuple[str, ...],
    launches: int | None,
    rounds: int | None,
) -> None:
    """Print one line for each backend, in its first mode, and workload."""
    for workload in workloads:
        prepare_workload(workload)  # raises for a name that is none
    chosen = [
        backend
        for backend in load_plugins(strangers=False).backends()
        if backend.name in (backends or BACKENDS)
    ]
    comparisons = len(chosen) * len(workloads)
    launches = launches or (1 if quick else 3)
    plan = Plan(launches, rounds or max(ROUNDS, least_rounds(comparisons)), comparisons)
    click.echo(f"{'backend':12}{'workload':18}time of a step, in a worker over in a bare loop")
    with RunFolder() as folder:
        host = Host(folder, choose_cpus(read_cpu(), None), 600.0, Caches(folder.path / "compiled"))
        passed = [_report(backend, name, host, plan) for backend in chosen for name in workloads]
    sys.exit(0 if all(passed) else 1)


def _report(backend: Backend, workload: str, host: Host, plan: Plan) -> bool:
    """Measure and print a line; whether the overhead is within its bound."""
    launches = [_launch(backend, workload, host, plan, seed) for seed in range(plan.launches)]
    found = compare(
        [each["worker"] for each in launches],
        [each["bare"] for each in launches],
        comparisons=plan.comparisons,
    )
    click.echo(f"{backend.name:12}{workload:18}{describe(found)}")
    return not is_heavy(found)


def _launch(
    backend: Backend, workload: str, host: Host, plan: Plan, seed: int
) -> dict[str, list[float]]:
    """Seconds per step of both loops, round by round, in a fresh process."""
    setting = Setting(backend.modes[0].name, "fp32", "cpu", len(host.cpus))
    done = subprocess.run(
        [
            *(sys.executable, str(SCRIPT), backend.trainer, setting.mode, workload),
            *(str(plan.rounds), str(seed)),
        ],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "TMPDIR": str(host.folder.temporary()),
            **host.caches.variables(),
            **backend.environment(setting),
            "TWO_LOOPS_CPUS": ",".join(map(str, host.cpus)),
        },
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the loops of {backend.name} ended: {done.stderr[-4000:]}")
    # Frameworks may print lines of their own before.
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def describe(found: Comparison) -> str:
    """The ratio with its interval."""
    if found.interval is None:
        return f"{found.ratio:.3f}  no interval: it needs {found.least_rounds} rounds"
    bounds = f"[{found.interval.low:.3f}, {found.interval.high:.3f}]"
    return f"{found.ratio:.3f} {bounds}{'  too heavy' if is_heavy(found) else ''}"


def is_heavy(found: Comparison) -> bool:
    """Whether a step in a worker takes certainly longer than it may."""
    return found.interval is not None and found.interval.low > 1 + MOST_OVERHEAD


if __name__ == "__main__":
    main()
