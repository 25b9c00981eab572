"""What a backend says to what it cannot know."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from envdoctor.bench.parity.evidence import parity_task
from envdoctor.target.channel import WorkerEnded
from envdoctor.testing.verdict import NotConforming

if TYPE_CHECKING:
    from collections.abc import Callable

    from envdoctor.bench.parity.evidence import Task
    from envdoctor.child.setting import Setting
    from envdoctor.testing.subject import Subject
    from envdoctor.workload.prepare import Prepared

UNKNOWN = "nobody-knows-this"


def are_told(subject: Subject) -> str:
    """Unknown settings, activations, losses and optimisers raise Unsupported with a sentence."""
    told = []
    # These come first and in a worker of their own: a framework may not be configured twice.
    for what in ("device", "precision"):
        _expect_refusal(f"an unknown {what}", _load(subject, _unknown_setting(subject, what)))
        told.append(what)
    task = parity_task(_workload(subject))
    for what, change in CHANGES.items():
        changed = change(task)
        if changed is not None:
            _expect_refusal(f"an unknown {what}", _build(subject, changed))
            told.append(what)
    return ", ".join(told)


def _workload(subject: Subject) -> Prepared:
    """A workload that the backend can build; if it cannot build yet, it can refuse all the same."""
    try:
        return subject.home()
    except WorkerEnded:
        return subject.ground.prepared(subject.families[0])


def _unknown_setting(subject: Subject, what: str) -> Setting:
    """The setting of the row with one field that nobody knows."""
    changes: dict[str, Any] = {what: UNKNOWN}
    return replace(subject.setting, **changes)


def _expect_refusal(what: str, attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except WorkerEnded as ended:
        outcome = ended.outcome
        if outcome.status != "unsupported":
            said = f"{what} ends in `{outcome.reason}`; raise Unsupported with a sentence"
            raise NotConforming(said) from ended
        if not outcome.reason.strip():
            raise NotConforming(f"{what} is refused without a reason") from ended
        return
    raise NotConforming(f"{what} is accepted; raise Unsupported with a sentence")


def _load(subject: Subject, setting: Setting) -> Callable[[], object]:
    backend = subject.backend

    def attempt() -> object:
        # The variables are those of a setting that exists: the plugin is not asked about others.
        with subject.fresh_worker(subject.setting) as worker:
            return worker.ask(
                "load",
                module=backend.module,
                trainer=backend.trainer,
                setting=asdict(setting),
                distributions=list(backend.distributions),
            )

    return attempt


def _build(subject: Subject, task: Task) -> Callable[[], object]:
    return lambda: subject.worker.build(task.job(subject.setting), task.weights, task.data)


def _activation(task: Task) -> Task | None:
    layers: list[Any] = list(task.workload.layers)
    for index, layer in enumerate(layers):
        if hasattr(layer, "activation"):
            layers[index] = replace(layer, activation=UNKNOWN)
            return replace(task, workload=replace(task.workload, layers=tuple(layers)))
    return None


def _loss(task: Task) -> Task:
    return replace(task, workload=replace(task.workload, loss=UNKNOWN))


def _optimizer(task: Task) -> Task:
    return replace(task, optimizer=replace(task.optimizer, kind=UNKNOWN))


CHANGES: dict[str, Callable[[Task], Task | None]] = {
    "activation": _activation,
    "loss": _loss,
    "optimiser": _optimizer,
}
