"""Whether the clock sees the work, and only the work."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from envdoctor.bench.checks import probe_clock, suspicion
from envdoctor.bench.worker import NANOSECOND
from envdoctor.testing.verdict import NotApplicable, NotConforming, require

if TYPE_CHECKING:
    from envdoctor.bench.worker import Worker
    from envdoctor.testing.subject import Subject

WARM_STEPS = 8
BLOCKS = ((8, 20), (28, 60))
"""The first step and the number of steps of two blocks, which may not compile."""
TIMED_STEPS = 3


def is_steady(subject: Subject) -> str:
    """After the first steps, `compilations` says the same before and after a block."""
    prepared = subject.home()
    worker = subject.build(prepared)
    worker.steps(range(min(WARM_STEPS, prepared.steps)))
    counts = [
        worker.block(first, steps, prepared.steps, None)["compilations"] for first, steps in BLOCKS
    ]
    if counts == [None, None]:
        raise NotApplicable("the backend counts no compilations")
    require(counts[0] == counts[1], f"{counts[1] - counts[0]} programs are compiled in warm steps")
    return f"{counts[0]} programs"


def sees_the_work(subject: Subject) -> str:
    """The probes that every timed row goes through, here on steps of some milliseconds."""
    prepared = subject.first_of("wide")
    worker = subject.build(prepared)
    worker.steps(range(TIMED_STEPS))
    walls, _ = worker.steps(range(TIMED_STEPS))
    step_seconds = min(walls) * NANOSECOND
    found, block_seconds = probe_clock(partial(_ask, worker, step_seconds, prepared.steps))
    refused = suspicion(found, block_seconds)
    if refused is not None:
        raise NotConforming(refused.reason.rstrip("."))
    return f"twice the steps take {found.doubling:.2f} times as long"


def _ask(
    worker: Worker, step_seconds: float, count: int, seconds: float, repeats: int
) -> dict[str, Any]:
    steps = max(1, round(seconds / max(step_seconds, 1e-7)))
    return worker.probe_clock(0, steps, count, repeats)
