"""Faulty trainers are told apart by the kit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envdoctor.testing import (
    NotConforming,
    proofs,
    refusals,
    training,
)


@pytest.mark.parametrize(
    "requirement",
    [
        proofs.faults_show,
        training.weights_are_kept,
        training.differentiating_is_pure,
        training.precision_is_kept,
        training.repeats,
        training.outputs_cover_all,
        refusals.are_told,
    ],
    ids=lambda function: function.__name__,
)
def test_the_reference_keeps_it(requirement, make, numpy_trainer):
    assert requirement(make(numpy_trainer))


class Rounds:
    def weights(self):
        return {name: value * np.float32(1.001) for name, value in super().weights().items()}


class Renames:
    def weights(self):
        return {f"model/{name}": value for name, value in super().weights().items()}


class Trains:
    def differentiate(self, batch):
        found = super().differentiate(batch)
        outputs, tensors = found.outputs.copy(), {k: v.copy() for k, v in found.tensors.items()}
        self.step(batch)
        return replace(found, outputs=outputs, tensors=tensors)


class Doubles:
    def differentiate(self, batch):
        found = super().differentiate(batch)
        return replace(found, outputs=found.outputs.astype(np.float64))


class Slow:
    def __init__(self, job, weights):
        rate = job.optimizer.learning_rate / 2
        slow = replace(job.optimizer, learning_rate=rate)
        super().__init__(replace(job, optimizer=slow), weights)


class Drops:
    def outputs(self, split):
        return super().outputs(split)[:-1]


class Shuffles:
    def outputs(self, split):
        return np.roll(super().outputs(split), 1, axis=0)


class Learns:
    def outputs(self, split):
        found = super().outputs(split).copy()
        self.step(0)
        return found


class Stubborn:
    def __init__(self, job, weights):
        stubborn = replace(job.optimizer, momentum=0.9)
        super().__init__(replace(job, optimizer=stubborn), weights)


class Guesses:
    def __init__(self, job, weights):
        known = {"cross_entropy", "inner_product"}
        loss = job.workload.loss if job.workload.loss in known else "cross_entropy"
        super().__init__(replace(job, workload=replace(job.workload, loss=loss)), weights)


class Stumbles:
    @staticmethod
    def start(setting):
        {"cpu": 0}[setting.device]


FAULTS = {
    "weights rounded": (Rounds, training.weights_are_kept, "with other values"),
    "weights renamed": (Renames, training.weights_are_kept, "the names differ"),
    "a step in the gradient": (Trains, training.differentiating_is_pure, "then"),
    "float64 results": (Doubles, training.precision_is_kept, "`outputs` is float64"),
    "half the rate": (Slow, training.repeats, "are off by"),
    "a sample too few": (Drops, training.outputs_cover_all, "(359, 10), not (360, 10)"),
    "outputs of the neighbour": (Shuffles, training.outputs_cover_all, "in another order"),
    "a step in the evaluation": (Learns, training.repeats, "with an evaluation on the way"),
    "a momentum of its own": (Stubborn, proofs.faults_show, "no momentum makes no difference"),
    "a loss of its own": (Guesses, refusals.are_told, "an unknown loss is accepted"),
    "a bare KeyError": (Stumbles, refusals.are_told, "an unknown device ends in `KeyError"),
}
"""A fault to be mixed into a sound trainer, who must see it, and what is said then."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_trainer_is_seen(fault, make, numpy_trainer):
    mixed_in, requirement, said = FAULTS[fault]
    trainer = type("Faulty", (mixed_in, numpy_trainer), {})
    with pytest.raises(NotConforming) as seen:
        requirement(make(trainer))
    assert said in str(seen.value)
