"""Programs of reduced precision, held to what their rounding explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envdoctor.bench.parity.evidence import Evidence, Task, full_data
from envdoctor.bench.parity.reduced import SIGNIFICANT_BITS, certify_reduced
from envdoctor.target.channel import WorkerEnded
from envdoctor.testing.verdict import NotApplicable, NotConforming, require

if TYPE_CHECKING:
    from envdoctor.bench.worker import Worker
    from envdoctor.child.setting import Setting
    from envdoctor.testing.subject import Subject

STEPS = 5
"""Taken before it is asked: a start of zeros, as all biases have, hides what is lost of them."""


def explains_everything(subject: Subject) -> str:
    """In each reduced precision that runs here, every supported family is as near as it can be."""
    offered = [each for each in subject.backend.precisions if each in SIGNIFICANT_BITS]
    if not offered:
        raise NotApplicable("the backend offers no reduced precision")
    shown: list[str] = []
    refusals: list[str] = []
    for precision in offered:
        try:
            shown.append(_try_families(subject, precision))
        except WorkerEnded as ended:
            if ended.outcome.status != "unsupported":
                raise NotConforming(f"{precision}: {ended.outcome.reason}") from ended
            refusals.append(f"{precision}: {ended.outcome.reason}")
    if not shown:
        raise NotApplicable("; ".join(refusals))
    return "; ".join(shown)


def _try_families(subject: Subject, precision: str) -> str:
    """Hold the families to a precision; raises WorkerEnded if the worker cannot start in it."""
    setting = subject.row.setting(precision, len(subject.ground.host.cpus))
    held: list[str] = []
    lacking: list[str] = []
    with subject.fresh_worker(setting) as worker:
        worker.load()
        for name in subject.families:
            (held if _is_held(subject, worker, setting, name) else lacking).append(name)
    require(held, f"{precision}: it supports none of the families")
    return f"{precision} on {', '.join(held)}{', not on ' if lacking else ''}{', '.join(lacking)}"


def _is_held(subject: Subject, worker: Worker, setting: Setting, name: str) -> bool:
    """Whether a family is as near as it can be; False if the backend refuses it."""
    prepared = subject.ground.prepared(name)
    try:
        subject.build(prepared, worker=worker, setting=setting)
        worker.steps(range(min(STEPS, prepared.steps)))
    except WorkerEnded as ended:
        if ended.outcome.status == "unsupported":
            return False
        raise
    weights = {key: value.astype(np.float64) for key, value in worker.weights().items()}
    task = Task(prepared.workload, weights, full_data(prepared), prepared.optimizer, steps=0)
    found = Evidence(*worker.differentiate(0))
    judged = certify_reduced(found, subject.ground.oracle.side, task, setting.precision)
    require(judged.same_work, f"{name}, {setting.precision}: {judged.reason}")
    return True
