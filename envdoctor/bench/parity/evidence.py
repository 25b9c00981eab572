"""What a subject shows of its work: outputs, every gradient, a short training run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from envdoctor.child.job import Job, Optimizer, Variation
from envdoctor.workload.weights import disturb_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from envdoctor.child.job import Workload
    from envdoctor.child.setting import Setting
    from envdoctor.workload.prepare import Prepared

TRAJECTORY_STEPS = 20
FEWEST_TRAJECTORY_STEPS = 10
TRAJECTORY_FLOPS = 5e10
"""With more operations than this in all, the trajectory is cut, down to the fewest steps. What it
sees beyond gradients, such as momentum or the order of the batches, shows in the second step."""
PARITY_OPTIMIZER = Optimizer("sgd", learning_rate=0.01, momentum=0.9)
"""SGD with momentum at a constant rate: the only optimiser that all frameworks define alike."""


class Subject(Protocol):
    """Whatever can be asked to do the work: a worker process, or a trainer in this process."""

    def build(
        self,
        job: Job,
        weights: Mapping[str, NDArray[Any]],
        data: Mapping[str, NDArray[Any]],
    ) -> object:
        """Build a trainer."""

    def steps(self, batches: Sequence[int]) -> tuple[list[int], list[float]]:
        """Take steps one by one: nanoseconds and loss of each."""

    def differentiate(self, batch: int) -> tuple[float, NDArray[Any], dict[str, NDArray[Any]]]:
        """Loss, outputs and gradients."""

    def weights(self) -> dict[str, NDArray[Any]]:
        """The present parameters."""


@dataclass(frozen=True)
class Task:
    """One piece of work for a subject: the job's parts, the weights and the data."""

    workload: Workload
    weights: Mapping[str, NDArray[Any]]
    data: Mapping[str, NDArray[Any]]
    optimizer: Optimizer = PARITY_OPTIMIZER
    steps: int = TRAJECTORY_STEPS

    def job(self, setting: Setting, variation: Variation | None = None) -> Job:
        """The job for one setting."""
        return Job(self.workload, self.optimizer, setting, variation)


@dataclass(frozen=True)
class Evidence:
    """What came of a task."""

    loss: float
    outputs: NDArray[Any]
    gradients: Mapping[str, NDArray[Any]]
    losses: Sequence[float] = field(default=())


def parity_task(prepared: Prepared) -> Task:
    """The gate's work on a workload: its first batches, from disturbed weights."""
    return Task(
        workload=prepared.workload,
        weights=disturb_weights(prepared.weights(), prepared.seed),
        data=parity_data(prepared),
        optimizer=_optimizer(prepared),
        steps=trajectory_steps(prepared),
    )


def _optimizer(prepared: Prepared) -> Optimizer:
    """A rate that large targets do not make diverge: squared errors' gradients grow with them."""
    if prepared.workload.loss != "mean_squared_error":
        return PARITY_OPTIMIZER
    scale = float(np.sqrt(np.mean(np.square(prepared.samples.train_targets))))
    rate = PARITY_OPTIMIZER.learning_rate / max(1.0, scale)
    return replace(PARITY_OPTIMIZER, learning_rate=rate)


def trajectory_steps(prepared: Prepared) -> int:
    """How many steps of SGD the proof of a workload takes."""
    step_flops = prepared.network.training_flops * prepared.workload.batch
    affordable = int(TRAJECTORY_FLOPS / max(1, step_flops))
    return max(FEWEST_TRAJECTORY_STEPS, min(TRAJECTORY_STEPS, affordable))


def parity_data(prepared: Prepared) -> dict[str, NDArray[Any]]:
    """The rows that the first steps need, renumbered, so that files stay small."""
    plan = prepared.batches()
    plan = plan[np.arange(TRAJECTORY_STEPS) % len(plan)]
    rows, numbers = np.unique(plan, return_inverse=True)
    samples = prepared.samples
    few = slice(0, prepared.workload.batch)
    return {
        "train_inputs": samples.train_inputs[rows],
        "train_targets": samples.train_targets[rows],
        "test_inputs": samples.test_inputs[few],
        "test_targets": samples.test_targets[few],
        "batches": numbers.reshape(plan.shape).astype(np.int32),
    }


def full_data(prepared: Prepared) -> dict[str, NDArray[Any]]:
    """All samples and the whole plan, as a trainer is given them."""
    samples = prepared.samples
    return {
        "train_inputs": samples.train_inputs,
        "train_targets": samples.train_targets,
        "test_inputs": samples.test_inputs,
        "test_targets": samples.test_targets,
        "batches": prepared.batches(),
    }


def collect(
    subject: Subject, task: Task, setting: Setting, variation: Variation | None = None
) -> Evidence:
    """Let a subject do a task: differentiate first, then train.

    Raises:
        WorkerEnded: the subject is a worker, and it failed.
    """
    subject.build(task.job(setting, variation), task.weights, task.data)
    loss, outputs, gradients = subject.differentiate(0)
    losses = subject.steps(range(task.steps))[1] if task.steps else []
    return Evidence(loss, outputs, gradients, losses)
