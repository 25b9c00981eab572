"""The NumPy trainer with the fault that the mode names."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from envdoctor.child.contract import Unsupported
from envdoctor_numpy.trainer import Trainer as Healthy

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Gradients, Job

CHATTER_BYTES = 4_000_000
LATE_STEPS = 40
BUILDS = 2


class Trainer(Healthy):
    """Right in all but one thing."""

    builds = 0
    """Of the timed program, in this process."""

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        super().__init__(job, weights)
        self._mode = job.setting.mode
        self._timed = job.setting.precision == "fp32"
        self._taken = 0
        if self._mode == "exits":
            os._exit(0)
        if self._mode == "exits-politely":
            raise SystemExit(3)
        Trainer.builds += self._timed
        if self._mode == "third-build-fails" and Trainer.builds > BUILDS:
            raise RuntimeError("nothing more can be built")
        if self._mode == "unsupported":
            raise Unsupported("no kernel for this")

    def step(self, batch: int) -> None:
        """Take a step, unless the fault is here."""
        fault = _FAULTS.get(self._mode)
        if fault is not None:
            fault()
        if self._timed and self._mode in {"stalls", "stalls-with-child"}:
            _stall(with_child=self._mode.endswith("child"))
        if self._mode == "stalls-when-told" and Path(os.environ["FAULTY_ORDER"]).exists():
            _stall(with_child=True)
        self._taken += 1
        if self._mode == "crashes-late" and self._timed and self._taken > LATE_STEPS:
            os.abort()
        super().step(batch)

    def loss(self) -> float:
        """The loss, or what is left of it."""
        no_number = self._mode == "nan" or (self._mode == "nan-when-timed" and self._timed)
        return math.nan if no_number else super().loss()

    def differentiate(self, batch: int) -> Gradients:
        """The gradients, the first of them perhaps a little too long."""
        result = super().differentiate(batch)
        if self._mode != "wrong-gradient":
            return result
        name = min(result.tensors)
        longer = result.tensors[name] * (1 + 1e-6)
        return replace(result, tensors={**result.tensors, name: longer})


def _raise() -> NoReturn:
    raise RuntimeError("the kernel refused\nand then said more")


def _run_out() -> NoReturn:
    raise MemoryError("could not allocate 3 TiB")


def _segfault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _read_null() -> None:
    ctypes.string_at(0)


def _be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _start_a_process() -> None:
    # Forked as by a data loader: it keeps the group, the log and the open connection to the core.
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)


def _leave_child() -> None:
    _start_a_process()
    _segfault()


def _chatter() -> None:
    for stream in (1, 2):
        # The last words of a chatterbox end in the middle of a letter.
        os.write(stream, b"warning: nothing is wrong\n" * (CHATTER_BYTES // 26) + b"\xc3")
    _FAULTS["chatters"] = _do_nothing


def _do_nothing() -> None:
    pass


def _stall(*, with_child: bool) -> NoReturn:
    if with_child:
        _start_a_process()
    _hang()


def _hang() -> NoReturn:
    if sign := os.environ.get("FAULTY_SIGN"):
        Path(sign).touch()
    while True:
        time.sleep(60)


def _hang_deaf() -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _start_a_process()
    _hang()


_FAULTS = {
    "raises": _raise,
    "runs-out": _run_out,
    "segfaults": _segfault,
    "reads-null": _read_null,
    "is-killed": _be_killed,
    "leaves-child": _leave_child,
    "chatters": _chatter,
    "hangs": _hang,
    "hangs-deaf": _hang_deaf,
}
