"""What a paused worker does to the time of the one beside it, and what a spinning one does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest

from envdoctor.target.process import Child

SCRIPT = Path(__file__).with_name("neighbour.py")
ROUNDS = 15
MOST_SECONDS = 400.0
SETTLE_SECONDS = 0.02
"""How long the pool is given to begin or to end its spinning."""
TOLERATED = 1.3
"""Where the CPU is shared with strangers, too; the spinning pool alone makes it about two."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the children keep to one CPU")


@contextmanager
def stepping(cpu: int) -> Iterator[subprocess.Popen[str]]:
    """The measured worker, which answers a line with the nanoseconds of a step."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "step", str(cpu)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def spinning(cpu: int, folder: Path) -> Iterator[Child]:
    """The worker beside it, whose pool spins while there is a file named `flag`."""
    command = [sys.executable, str(SCRIPT), "spin", str(cpu), str(folder / "flag")]
    child = Child(command, os.environ, folder / "log")
    try:
        deadline = time.monotonic() + MOST_SECONDS
        while "ready" not in child.log_tail() and time.monotonic() < deadline:
            assert not child.ended()
            time.sleep(0.01)
        yield child
    finally:
        child.kill()


def step_ns(process: subprocess.Popen[str]) -> int:
    assert process.stdin
    assert process.stdout
    process.stdin.write("step\n")
    process.stdin.flush()
    return int(process.stdout.readline())


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """Nanoseconds of a step beside a neighbour that rests, spins but is paused, or spins."""
    folder = tmp_path_factory.mktemp("neighbour")
    flag = folder / "flag"
    cpu = min(os.sched_getaffinity(0))
    found: dict[str, list[int]] = {"resting": [], "paused": [], "spinning": []}
    deadline = time.monotonic() + MOST_SECONDS
    with stepping(cpu) as worker, spinning(cpu, folder) as neighbour:
        while len(found["spinning"]) < ROUNDS and time.monotonic() < deadline:
            flag.unlink(missing_ok=True)
            time.sleep(SETTLE_SECONDS)
            found["resting"].append(step_ns(worker))
            flag.touch()
            time.sleep(SETTLE_SECONDS)
            neighbour.pause()
            found["paused"].append(step_ns(worker))
            neighbour.resume()
            found["spinning"].append(step_ns(worker))
    return found


def ratio(above: list[int], below: list[int]) -> float:
    """The median over the rounds: whatever else uses the CPU, uses it for both of a round."""
    return median(one / other for one, other in zip(above, below, strict=True))


def test_a_paused_neighbour_does_not_move_a_step(steps: dict[str, list[int]]) -> None:
    assert 1 / TOLERATED < ratio(steps["paused"], steps["resting"]) < TOLERATED


def test_a_spinning_neighbour_does(steps: dict[str, list[int]]) -> None:
    assert ratio(steps["spinning"], steps["paused"]) > TOLERATED
