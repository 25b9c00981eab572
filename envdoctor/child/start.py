"""Starts a worker: a script that lies in the private folder, so that this is on the path first.

Its own statements come before any import of a framework or of NumPy.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_the_parent() -> None:
    """Ask the kernel for SIGKILL when the core dies: a stopped worker hears nothing else."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def watch_the_core(handle: str) -> None:
    """Leave behind a small process that ends this group when the core is gone.

    The kernel's signal reaches the worker only, not the compilers and loaders that it started. The
    watch reads from a pipe whose other end is the core's: it comes back when that end is closed.
    It is a session of its own, so that stopping the group does not stop it.
    """
    if not handle or not hasattr(os, "fork"):
        return
    pipe, group = int(handle), os.getpgrp()
    child = os.fork()
    if child:
        os.close(pipe)
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)  # so that the watch is nobody's child, and nobody has to wait for it
    os.read(pipe, 1)
    with contextlib.suppress(OSError):
        os.killpg(group, signal.SIGKILL)
    os._exit(0)


def _keep_to(cpus: str) -> None:
    """Keep this process and its threads to the CPUs of the budget, where the system can."""
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})


def _put_this_folder_first() -> None:
    """Python does so itself, unless the user has set PYTHONSAFEPATH."""
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  light
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)


if __name__ == "__main__":
    watch_the_core(os.environ.pop("ENVDOCTOR_WATCH", ""))
    die_with_the_parent()
    _put_this_folder_first()
    _keep_to(os.environ.pop("ENVDOCTOR_CPUS", ""))
    from envdoctor.child.worker import main

    sys.exit(main(sys.argv[1], bytes.fromhex(os.environ.pop("ENVDOCTOR_KEY"))))
