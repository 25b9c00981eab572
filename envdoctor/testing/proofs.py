"""The parity gate on every family, and deliberate faults that it must see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.bench.parity.compare import G32, compare
from envdoctor.bench.parity.evidence import collect
from envdoctor.bench.plan import ORACLE
from envdoctor.bench.prove import Suspect
from envdoctor.target.channel import WorkerEnded
from envdoctor.testing.verdict import NotApplicable, NotConforming, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from envdoctor.bench.parity.evidence import Task
    from envdoctor.model.cell import Certificate
    from envdoctor.testing.subject import Subject

FAULT = 1.01
"""What a value is multiplied by to be wrong: a thousand times what float32 may be off."""
ANOTHER_ACTIVATION = {"relu": "none", "gelu_tanh": "gelu_erf", "gelu_erf": "gelu_tanh"}


def is_certified(subject: Subject, precision: str) -> str:
    """Every family that the backend supports is certified at this precision."""
    if precision not in subject.backend.precisions:
        raise NotApplicable(f"the backend has no {precision}")
    if subject.backend.name == ORACLE and precision == "fp64":
        raise NotApplicable("this is the reference itself, which is held to finite differences")
    proven: list[str] = []
    lacking: list[str] = []
    with Suspect(subject.ground.host, subject.row, precision) as suspect:
        for name in subject.families:
            (proven if _certify(subject, suspect, name) else lacking).append(name)
            # A mode whose exact maths another one proves compiles for minutes in float64.
            if proven and precision == "fp64" and subject.row.mode.exact:
                break
    require(proven, f"it supports none of the families: {', '.join(lacking)}")
    refused = f"; it refuses {', '.join(lacking)}" if lacking else ""
    return f"{', '.join(proven)}{refused}"


def _certify(subject: Subject, suspect: Suspect, name: str) -> bool:
    """Whether a family is certified; False if the backend refuses it."""
    try:
        # The oracle takes long over a family, so it is asked only about what can be compared.
        if not subject.supports(name):
            return False
        found = suspect.certify(subject.ground.oracle, subject.ground.expected(name))
    except WorkerEnded as ended:
        if ended.outcome.status == "unsupported":
            return False
        raise NotConforming(f"{name}: {ended.outcome.reason}") from ended
    require(found.same_work, f"{name}: {_difference(found)}")
    return True


def _difference(certificate: Certificate) -> str:
    cause = f" Likely cause: {certificate.cause}." if certificate.cause else ""
    return f"{certificate.reason}{cause}"


@dataclass(frozen=True)
class Mutant:
    """A deliberate fault in what the trainer is given."""

    name: str
    change: Callable[[Task], Task | None]
    """None where the task has nothing that could be changed so."""


def faults_show(subject: Subject) -> str:
    """Given something else, the trainer shows something else, or refuses.

    A trainer that ignores a part of what it is given would be certified on chance.
    """
    prepared = subject.home()
    expected = subject.ground.expected(prepared.name)
    worker, seen = subject.worker, []
    for mutant in MUTANTS:
        changed = mutant.change(expected.task)
        if changed is None:
            continue
        try:
            found = collect(worker, changed, subject.setting)
        except WorkerEnded:
            subject.ground.drop_worker()
            worker = subject.worker
        else:
            hidden = compare(found, expected.evidence, G32).meets(G32)
            require(not hidden, f"{mutant.name} makes no difference to what it shows")
        seen.append(mutant.name)
    return f"on {prepared.name}: {', '.join(seen)}"


def _weight(task: Task) -> Task:
    name = next(iter(task.weights))
    return replace(task, weights={**task.weights, name: task.weights[name] * FAULT})


def _data(name: str, change: Callable[[Any], Any]) -> Callable[[Task], Task]:
    return lambda task: replace(task, data={**task.data, name: change(task.data[name])})


def _turned(plan: Any) -> Any:
    return np.ascontiguousarray(plan[::-1])


def _halved(plan: Any) -> Any:
    return np.ascontiguousarray(plan[:, : max(1, plan.shape[1] // 2)])


def _rolled(targets: Any) -> Any:
    return np.roll(targets, 1, axis=0)


def _without_momentum(task: Task) -> Task:
    return replace(task, optimizer=replace(task.optimizer, momentum=0.0))


def _learning_rate(task: Task) -> Task:
    rate = 2 * task.optimizer.learning_rate
    return replace(task, optimizer=replace(task.optimizer, learning_rate=rate))


def _activation(task: Task) -> Task | None:
    layers: list[Any] = list(task.workload.layers)
    for index, layer in enumerate(layers):
        other = ANOTHER_ACTIVATION.get(getattr(layer, "activation", ""))
        if other is not None:
            layers[index] = replace(layer, activation=other)
            return replace(task, workload=replace(task.workload, layers=tuple(layers)))
    return None


MUTANTS = (
    Mutant("a weight that is 1 % too large", _weight),
    Mutant("batches in another order", _data("batches", _turned)),
    Mutant("half of each batch", _data("batches", _halved)),
    Mutant("the targets of the neighbours", _data("train_targets", _rolled)),
    Mutant("another activation", _activation),
    Mutant("no momentum", _without_momentum),
    Mutant("twice the learning rate", _learning_rate),
)
