from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envdoctor.bench.parity.diagnosis import Side
from envdoctor.bench.parity.evidence import Evidence, Task, collect
from envdoctor.bench.parity.reduced import certify_reduced, loss_limit, round_values, unit
from envdoctor.child.contract import Data
from envdoctor.child.job import Job, Optimizer, Workload
from envdoctor.child.layers import Dense
from envdoctor.child.setting import Setting
from envdoctor_numpy.trainer import Trainer

SETTING = Setting("numpy", "fp64")
LAYERS = (
    Dense("first", (6,), (8,), activation="relu", bias=True),
    Dense("second", (8,), (3,), activation="none", bias=True),
)


class Here:
    """The reference in this process."""

    def build(self, job: Job, weights: Any, data: Any) -> None:
        self.trainer = Trainer(job, weights)
        self.trainer.stage(Data(**data))

    def differentiate(self, batch: int) -> tuple[float, Any, dict[str, Any]]:
        found = self.trainer.differentiate(batch)
        return found.loss, found.outputs, dict(found.tensors)

    def steps(self, batches: Any) -> tuple[list[int], list[float]]:
        raise AssertionError("a judgement takes no steps")

    def weights(self) -> dict[str, Any]:
        return dict(self.trainer.weights())


@pytest.fixture(scope="module")
def task() -> Task:
    generator = np.random.default_rng(3)
    weights = {
        "first.kernel": generator.standard_normal((6, 8)),
        "first.bias": generator.standard_normal(8),
        "second.kernel": generator.standard_normal((8, 3)),
        "second.bias": generator.standard_normal(3),
    }
    inputs, labels = generator.standard_normal((32, 6)), generator.integers(0, 3, 32)
    data = {
        "train_inputs": inputs,
        "train_targets": labels.astype(np.int32),
        "test_inputs": inputs,
        "test_targets": labels.astype(np.int32),
        "batches": np.arange(32, dtype=np.int32).reshape(1, 32),
    }
    workload = Workload("tiny", LAYERS, "cross_entropy", 32, (6,))
    return Task(workload, weights, data, Optimizer("sgd", learning_rate=0.1), steps=0)


@pytest.fixture
def oracle() -> Side:
    return Side(Here(), SETTING)


def _changed(task: Task, change: Callable[[Any], Any], oracle: Side) -> Evidence:
    weights = {name: change(value) for name, value in task.weights.items()}
    return collect(oracle.subject, replace(task, weights=weights), oracle.setting)


@pytest.mark.parametrize("precision", ["bf16", "tf32", "fp16"])
def test_rounding_is_explained(task: Task, oracle: Side, precision: str) -> None:
    found = _changed(task, lambda value: round_values(value, precision), oracle)
    certificate = certify_reduced(found, oracle, task, precision)
    assert certificate.same_work, certificate.reason
    assert certificate.tier == "Glow"
    assert certificate.output_error
    assert certificate.gradient_error


def test_rounding_to_fewer_bits_than_said_is_not_explained(task: Task, oracle: Side) -> None:
    found = _changed(task, lambda value: round_values(value, "bf16") * (1 + 2**-8), oracle)
    certificate = certify_reduced(found, oracle, task, "tf32")
    assert not certificate.same_work
    assert "where rounding to tf32 explains" in certificate.reason


def test_other_weights_are_not_explained(task: Task, oracle: Side) -> None:
    found = _changed(task, lambda value: value * 1.2, oracle)
    certificate = certify_reduced(found, oracle, task, "bf16")
    assert not certificate.same_work
    assert certificate.reason.startswith("as it is timed, its outputs differ by ")


@pytest.mark.parametrize("broken", [np.zeros_like, lambda value: -value, lambda value: value * 2])
def test_a_wrong_gradient_is_seen_however_small(task: Task, oracle: Side, broken: Any) -> None:
    exact = collect(oracle.subject, task, oracle.setting)
    gradients = {**exact.gradients, "second.bias": broken(exact.gradients["second.bias"])}
    certificate = certify_reduced(replace(exact, gradients=gradients), oracle, task, "bf16")
    assert not certificate.same_work
    assert "gradient" in certificate.reason


@pytest.mark.parametrize("broken", [np.full((32, 3), np.nan), np.zeros((32, 2))])
def test_no_numbers_and_other_shapes_are_no_work(task: Task, oracle: Side, broken: Any) -> None:
    exact = collect(oracle.subject, task, oracle.setting)
    certificate = certify_reduced(replace(exact, outputs=broken), oracle, task, "bf16")
    assert not certificate.same_work
    assert certificate.output_error is None


def test_values_are_rounded_to_the_significant_bits() -> None:
    values = np.array([1.0, 1 + 2**-8, 1 + 2**-7, -3.14159, 0.0, 1e30])
    rounded = round_values(values, "bf16")
    assert rounded[0] == 1.0
    assert rounded[2] == 1 + 2**-7
    assert np.all(np.abs(rounded - values) <= unit("bf16") * np.abs(values))
    np.testing.assert_array_equal(round_values(rounded, "bf16"), rounded)
    symbols = np.arange(1000)
    assert round_values(symbols, "bf16") is symbols


def test_more_bits_allow_less() -> None:
    assert loss_limit("tf32") == loss_limit("fp16") < loss_limit("bf16") < 0.05
