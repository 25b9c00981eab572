"""What the harness itself costs: a step inside a real worker against the same step in a bare loop.

    python benchmarks/harness/overhead.py [--quick] [--backend NAME]... [--workload NAME]...

The same trainer runs twice. One is in a worker and times blocks when the core asks for them; the
other is in a script that knows nothing of workers (`bare_loop.py`). Blocks are timed in turn, in
random order, and the one that waits is stopped (`contest.py` says why). The tiny MLP is the
default, because the shorter a step, the more any overhead shows.

Exit code 1: a step in the worker takes certainly more than 1 % longer, or the losses differ.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from contest import FIRST_STEPS, ROUNDS, InWorker, Plan, UnequalError, contest, prepare_workload

from envdoctor.api import Setting
from envdoctor.bench.caches import Caches
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.worker import Host
from envdoctor.detect.cpu import choose_cpus, read_cpu
from envdoctor.plugins import load_plugins
from envdoctor.statistics.paired import Comparison, least_rounds

if TYPE_CHECKING:
    from envdoctor.api import Backend

SCRIPT = Path(__file__).with_name("bare_loop.py")
BACKENDS = ("numpy", "torch", "tensorflow", "jax")
MOST_OVERHEAD = 0.01


class InBareLoop:
    """A trainer in a script of its own, asked by lines of text; a context manager."""

    def __init__(self, host: Host, backend: Backend, setting: Setting, workload: str) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT), backend.trainer, setting.mode, workload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={
                **os.environ,
                "TMPDIR": str(host.folder.temporary()),
                **host.caches.variables(),
                **backend.environment(setting),
                "BARE_LOOP_CPUS": ",".join(map(str, host.cpus)),
            },
        )

    def __enter__(self) -> InBareLoop:
        try:
            self._read()  # built
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def first_loss(self) -> float:
        """Take the first steps; the loss of the last one."""
        return self._ask(f"loss {FIRST_STEPS}")

    def block_seconds(self, steps: int) -> float:
        """Warm up, then time so many steps."""
        return self._ask(f"block {steps}")

    def pause(self) -> None:
        """Stop the process."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self._process.pid, signal.SIGCONT)

    def _ask(self, line: str) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> float:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            self._log.seek(0)
            raise RuntimeError(f"the bare loop ended: {self._log.read()[-4000:].decode()}")
        return float(answer)


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--quick", is_flag=True, help="One launch.")
@click.option("--backend", "backends", multiple=True, type=click.Choice(BACKENDS))
@click.option("--workload", "workloads", multiple=True, default=("mlp-tiny",))
@click.option("--launches", type=click.IntRange(1), help="Fresh starts.  [default: 3]")
@click.option(
    "--rounds", type=click.IntRange(1), help="Most pairs of blocks in each.  [default: 200]"
)
def main(
    *,
    quick: bool,
    backends: tuple[str, ...],
    workloads: tuple[str, ...],
    launches: int | None,
    rounds: int | None,
) -> None:
    """Print one line for each backend, in its first mode, and workload."""
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
    name = f"{backend.name:12}{workload:18}"
    setting = Setting(backend.modes[0].name, "fp32", "cpu", len(host.cpus))
    prepared = prepare_workload(workload)
    in_worker = partial(InWorker, host, backend, setting, prepared)
    bare = partial(InBareLoop, host, backend, setting, workload)
    try:
        found = contest(in_worker, bare, plan)
    except UnequalError as error:
        click.echo(f"{name}not the same work: {error}")
        return False
    click.echo(f"{name}{describe(found)}")
    return not is_heavy(found)


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
