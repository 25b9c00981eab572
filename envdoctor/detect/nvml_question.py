"""Asks NVML in a child, because a wedged driver makes it hang and only a process can be ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from envdoctor.model.machine import Nvidia

TIME_LIMIT_SECONDS = 5.0
"""Eight GPUs without persistence mode take NVML two to three seconds; a hang lasts for ever."""
PACKAGES = str(Path(__file__).parents[2])
CODE = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from envdoctor.detect.nvml_answer import main; main()"
)
"""Ours comes last on the path, and `-P` keeps the current folder off it: a `types.py` there must
not end the child."""


@dataclass(frozen=True)
class Answer:
    """What NVML said, or why it said nothing."""

    nvidia: Nvidia
    """Only the fields that NVML fills."""
    reason: str = ""


def ask(seconds: float) -> Answer:
    """What NVML tells of driver and GPUs, within a time limit."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", CODE, PACKAGES],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        output, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(child)
        return Answer(Nvidia(nvml_timed_out=True), f"it did not answer within {seconds:g} s")
    except BaseException:
        _end(child)
        raise
    return read_answer(output, child.returncode)


def read_answer(output: bytes, exit_code: int) -> Answer:
    """The answer in the child's output."""
    if exit_code < 0:
        return Answer(Nvidia(), f"asking it ended the process with {_signal_name(-exit_code)}")
    try:
        told = msgspec.json.decode(output, type=Nvidia)
    except msgspec.DecodeError:
        return Answer(Nvidia(), f"asking it failed with exit code {exit_code}")
    return Answer(told)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child; one that hangs inside of the kernel is left to it."""
    child.kill()
    if child.stdout:
        child.stdout.close()
    with suppress(subprocess.TimeoutExpired):
        child.wait(0.2)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
