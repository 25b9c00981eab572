"""Children as process groups: start one, see how it ended, and never leave one behind."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LOG_TAIL_BYTES = 4000
KILL_SECONDS = 10.0

_alive: set[Child] = set()


class Child:
    """A process that leads a group of its own, with its output in a log file.

    The group, because compilers and data loaders are children of the worker; a file, because a
    pipe that nobody reads blocks whoever chatters into it.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Start it; raises OSError if there is no such program.

        The variable ENVDOCTOR_WATCH names a pipe that is closed when this process ends, however
        it ends; a child may watch it.
        """
        self.log = log
        self._killed = False
        watched, self._held = os.pipe()
        try:
            with log.open("wb") as stream:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    env={**environment, "ENVDOCTOR_WATCH": str(watched)},
                    start_new_session=True,
                    pass_fds=(watched,),
                )
        except BaseException:
            os.close(self._held)
            raise
        finally:
            os.close(watched)
        _alive.add(self)

    @property
    def pid(self) -> int:
        """The process, which is also its group."""
        return self._process.pid

    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def wait(self, seconds: float) -> bool:
        """Give it time to end by itself; whether it did."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.ended()

    def kill(self) -> None:
        """End the whole group. SIGKILL, because a stopped process acts on nothing else."""
        if not self.ended():
            self._killed = True
        if sys.platform == "win32":
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self.wait(KILL_SECONDS)
        if self in _alive:
            _alive.discard(self)
            os.close(self._held)

    def pause(self) -> None:
        """Stop the whole group, so that idle thread pools take nothing from others."""
        if sys.platform == "win32":
            for process in self._family():
                process.suspend()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a stopped group go on."""
        if sys.platform == "win32":
            for process in self._family():
                process.resume()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGCONT)

    def resident_bytes(self) -> int:
        """What the process occupies now; 0 when it has ended."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def _family(self) -> list[psutil.Process]:
        """The process and its descendants, where there are no groups."""
        try:
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def ending(self) -> str:
        """How the process ended, in words: `was killed by SIGSEGV (segmentation fault)`."""
        code = self._process.poll()
        if code is None:
            return "is still running"
        if code >= 0:
            return f"ended by itself with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        words = signal.strsignal(-code)
        return f"was killed by {name}" + (f" ({words.lower()})" if words else "")

    @property
    def exit_code(self) -> int | None:
        """As the system tells it, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def killed_from_outside(self) -> bool:
        """Whether SIGKILL ended it and it was not ours: what the kernel does when memory is out."""
        return self._process.poll() == -signal.SIGKILL and not self._killed

    def log_tail(self) -> str:
        """The end of what it printed."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(0, os.SEEK_END)
                stream.seek(max(0, stream.tell() - LOG_TAIL_BYTES))
                return stream.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""


@atexit.register
def kill_all() -> None:
    """End every child that is left: the last door, whatever went wrong before it."""
    for child in list(_alive):
        child.kill()
