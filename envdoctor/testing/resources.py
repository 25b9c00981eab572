"""Memory that moves, threads that are kept to, an end that is one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psutil

from envdoctor.bench.worker import NANOSECOND
from envdoctor.target.channel import STOP_SECONDS, WorkerEnded
from envdoctor.testing.verdict import NotApplicable, require

if TYPE_CHECKING:
    from envdoctor.bench.worker import Worker
    from envdoctor.testing.subject import Subject

SIZES = (("narrow", "wide"), ("transformer-tiny", "transformer-small"))
"""Pairs of one shape in two sizes; the second is for whoever has no dense layer."""
FLOAT32_BYTES = 4
STEPS = 2
BUDGET_SECONDS = 0.5
MOST_CPUS = 1.5
"""For one thread where more CPUs are free: one computes, and another may feed it half the time.
Under a mask of one CPU, as rows are timed, there is no more than one to use."""
DEATH_SECONDS = 20.0


def memory_moves(subject: Subject) -> str:
    """With a larger model the peak rises by at least its parameters.

    In a worker of its own: what earlier cases have freed would hold the larger model too.
    """
    for small, large in SIZES:
        try:
            with subject.fresh_worker(subject.setting) as worker:
                worker.load()
                before = _peak(subject, worker, small)
                after = _peak(subject, worker, large)
        except WorkerEnded as ended:
            if ended.outcome.status != "unsupported":
                raise
            continue
        grown = FLOAT32_BYTES * (_parameters(subject, large) - _parameters(subject, small))
        said = f"{(after - before) / 1e6:.1f} MB for {grown / 1e6:.1f} MB of parameters"
        require(after - before >= grown, f"the peak rises by {said}")
        return said
    raise NotApplicable("the backend has no layers of which there is a large model")


def _peak(subject: Subject, worker: Worker, name: str) -> int:
    """The peak on the device since the model was built; on the host, of its steps."""
    subject.build(subject.ground.prepared(name), worker=worker)
    if not worker.ask("reset_peak")["reset"]:
        raise NotApplicable("this system tells no peak of host memory")
    worker.steps(range(STEPS))
    found = worker.memory()
    device: int | None = found["device_peak_bytes"]
    host: dict[str, int] = found["host"]
    return host["peak_bytes"] if device is None else device


def _parameters(subject: Subject, name: str) -> int:
    return sum(value.size for value in subject.ground.prepared(name).weights().values())


def threads_are_kept(subject: Subject) -> str:
    """Given one thread, it takes one CPU, even where others are free."""
    setting = subject.row.setting("fp32", 1)
    prepared = subject.first_of("wide")
    with subject.fresh_worker(setting) as worker:
        worker.load()
        subject.build(prepared, worker=worker, setting=setting)
        used = _cpus_used(worker, prepared.steps)
    free = len(subject.ground.host.cpus)
    require(used <= MOST_CPUS, f"given one thread, it uses {used:.1f} CPUs of {free}")
    return f"{used:.2f} CPUs of {free} for one thread"


def _cpus_used(worker: Worker, count: int) -> float:
    walls, _ = worker.steps(range(min(3, count)))
    steps = max(2, round(BUDGET_SECONDS / (min(walls) * NANOSECOND)))
    block: dict[str, Any] = worker.block(0, steps, count, None)
    return float(block["cpu_ns"] / block["wall_ns"])


def ends_cleanly(subject: Subject) -> str:
    """Told to stop, the worker ends by itself, and whatever it has started with it."""
    worker = subject.build(subject.home())
    worker.steps([0])
    family = worker.family()
    begun = time.monotonic()
    worker.stop()
    seconds = time.monotonic() - begun
    subject.ground.drop_worker()
    require(seconds < STOP_SECONDS, f"told to stop, it still runs {STOP_SECONDS:g} s later")
    _, alive = psutil.wait_procs(family, timeout=DEATH_SECONDS)
    names = ", ".join(sorted({_name(process) for process in alive}))
    require(not alive, f"processes that it started outlive it: {names}")
    return f"{len(family)} process{'' if len(family) == 1 else 'es'} ended in {seconds:.1f} s"


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return str(process.pid)
