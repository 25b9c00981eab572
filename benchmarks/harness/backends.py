"""How fast the backends are beside hand-tuned loops that use their frameworks directly.

    python benchmarks/harness/backends.py [--quick] [--backend NAME]... [--workload NAME]...

For each row of a backend, and each workload, our trainer and the bare loop of
`native_<framework>.py` start from the same weights, see the same batches, and must have the same
loss after ten steps. Then their blocks are timed in turn, in random order, in two workers of
which one is always stopped (`contest.py` says why). The table shows the ratio of throughput, ours
over the bare loop's, with an interval of 95 % for all of its lines together.

Exit code 1: an upper bound lies under 0.97, the losses differ, or a loop failed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click
from contest import ROUNDS, InWorker, Plan, UnequalError, contest, prepare_workload

from envdoctor.api import Setting
from envdoctor.bench.caches import Caches
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.worker import Host
from envdoctor.detect.cpu import choose_cpus, read_cpu
from envdoctor.plugins import load_plugins
from envdoctor.statistics.paired import Comparison, least_rounds
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.api import Backend

BACKENDS = (
    "torch",
    "tensorflow",
    "jax",
    "transformers",
    "paddle",
    "mlx",
    "tinygrad",
    "mindspore",
    "keras",
    "flax",
    "lightning",
)
WORKLOADS = tuple(
    f"{family}-{size}" for size in ("tiny", "small") for family in ("mlp", "cnn", "transformer")
)
QUICK_WORKLOADS = tuple(name for name in WORKLOADS if name.endswith("-tiny"))
LEAST_THROUGHPUT = 0.97
NATIVE_PARTS = {"lightning": ("native_torch",)}
"""What the script of a bare loop imports of others."""


@dataclass(frozen=True)
class Line:
    """One line of the table: a backend in one mode on one workload."""

    backend: Backend
    mode: str
    workload: str

    def __str__(self) -> str:
        return f"{self.backend.name:13}{self.mode:11}{self.workload:18}"


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--quick", is_flag=True, help="One launch, tiny workloads.")
@click.option("--backend", "backends", multiple=True, type=click.Choice(BACKENDS))
@click.option("--mode", "modes", multiple=True, help="A mode of these backends.")
@click.option("--workload", "workloads", multiple=True, type=click.Choice(WORKLOADS))
@click.option("--launches", type=click.IntRange(1), help="Fresh starts.  [default: 3]")
@click.option(
    "--rounds", type=click.IntRange(1), help="Most pairs of blocks in each.  [default: 200]"
)
def main(
    *,
    quick: bool,
    backends: tuple[str, ...],
    modes: tuple[str, ...],
    workloads: tuple[str, ...],
    launches: int | None,
    rounds: int | None,
) -> None:
    """Print the table, line by line as it is measured."""
    names = workloads or (QUICK_WORKLOADS if quick else WORKLOADS)
    lines = list(_lines(backends or _installed(), modes, names))
    launches = launches or (1 if quick else 3)
    plan = Plan(launches, rounds or max(ROUNDS, least_rounds(len(lines))), len(lines))
    click.echo(f"{'backend':13}{'mode':11}{'workload':18}throughput, ours over the bare loop's")
    with RunFolder() as folder:
        host = Host(folder, choose_cpus(read_cpu(), None), 600.0, Caches(folder.path / "compiled"))
        results = [_report(line, host, plan) for line in lines]
    sys.exit(0 if all(results) else 1)


def _installed() -> tuple[str, ...]:
    """The backends whose framework is here; finding it imports nothing."""
    modules = {each.name: each.module for each in load_plugins(strangers=False).backends()}
    return tuple(name for name in BACKENDS if find_spec(modules[name]) is not None)


def _lines(
    backends: tuple[str, ...], modes: tuple[str, ...], workloads: tuple[str, ...]
) -> Iterator[Line]:
    for backend in load_plugins(strangers=False).backends():
        for mode in backend.modes:
            if backend.name in backends and (not modes or mode.name in modes):
                yield from (Line(backend, mode.name, workload) for workload in workloads)


def _report(line: Line, host: Host, plan: Plan) -> bool:
    """Measure and print a line; whether it may stay as it is."""
    try:
        found = measure(line, host, plan)
    except UnequalError as error:
        click.echo(f"{line}not the same work: {error}")
        return False
    except WorkerEnded as ended:
        excused = ended.outcome.status == "unsupported"
        word = "not measured" if excused else ended.outcome.status
        click.echo(f"{line}{word}: {ended.outcome.reason}")
        return excused
    click.echo(f"{line}{describe(found)}")
    return not is_slow(found)


def measure(line: Line, host: Host, plan: Plan) -> Comparison:
    """The throughput of our trainer over the bare loop's."""
    prepared = prepare_workload(line.workload)
    setting = Setting(line.mode, "fp32", "cpu", len(host.cpus))
    native = replace(
        line.backend,
        trainer=f"native_{line.backend.name}:Loop",
        builds_on=NATIVE_PARTS.get(line.backend.name, ()),
    )
    ours, bare = (
        partial(InWorker, host, backend, setting, prepared) for backend in (line.backend, native)
    )
    return contest(bare, ours, plan)


def describe(found: Comparison) -> str:
    """The ratio with its interval."""
    if found.interval is None:
        return f"{found.ratio:.3f}  no interval: it needs {found.least_rounds} rounds"
    bounds = f"[{found.interval.low:.3f}, {found.interval.high:.3f}]"
    return f"{found.ratio:.3f} {bounds}{'  too slow' if is_slow(found) else ''}"


def is_slow(found: Comparison) -> bool:
    """Whether the backend is certainly slower than it may be."""
    return found.interval is not None and found.interval.high < LEAST_THROUGHPUT


if __name__ == "__main__":
    main()
