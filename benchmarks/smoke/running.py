"""Runs one step as a process of its own, with a time limit and its output in files."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

GRACE_SECONDS = 8.0
"""Between the request to end, at which a bench saves what it has, and the end by force."""
TAIL_BYTES = 4000


@dataclass(frozen=True)
class Ending:
    """How a process ended."""

    seconds: float
    exit_code: int
    """Negative for a signal."""
    cut: bool
    """Whether its time was up."""
    complaint: str
    """The last line that it wrote to standard error."""


def run(
    command: Sequence[str], log: Path, limit_seconds: float, variables: Mapping[str, str]
) -> Ending:
    """Run a command; `log` with the suffixes `.out` and `.err` gets its output.

    It is asked to end so early that it may take its time to do so within the limit.
    """
    begun = time.monotonic()
    errors = log.with_suffix(".err")
    with log.with_suffix(".out").open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **variables},
            start_new_session=True,
        )
        try:
            cut = not _ends(process, max(1.0, limit_seconds - GRACE_SECONDS))
            if cut:
                process.terminate()
                _ends(process, GRACE_SECONDS)
        finally:
            _end_all(process)
    return Ending(time.monotonic() - begun, process.returncode, cut, _last_line(errors))


def describe(exit_code: int) -> str:
    """An exit code in words."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """End the whole group; what the process has put elsewhere ends with it by itself."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - TAIL_BYTES))
        lines = stream.read().decode("utf-8", "replace").split("\n")
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")
