"""The trainer: the plan of batches, precision, evaluation, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from envdoctor.child import layers
from envdoctor.child.contract import Data, Job, Optimizer, Setting, Unsupported, Workload
from envdoctor_numpy.memory import LINE_BYTES
from envdoctor_numpy.trainer import Trainer

FAMILIES = ("mlp", "cnn", "images", "decoder", "vit", "lstm")
TYPES = {"fp32": np.float32, "fp64": np.float64}


def arrays_of(thing, seen):
    """All arrays that an object of this backend holds, in whatever it holds."""
    if id(thing) in seen:
        return
    seen[id(thing)] = thing
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, (list, tuple)):
        for part in thing:
            yield from arrays_of(part, seen)
    elif isinstance(thing, dict):
        for part in thing.values():
            yield from arrays_of(part, seen)
    elif type(thing).__module__.startswith("envdoctor_numpy"):
        yield from arrays_of(getattr(thing, "__dict__", {}), seen)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("precision", TYPES)
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_everything_is_of_the_type_of_the_setting(family, precision, kind, workload, trainer):
    made = trainer(workload(family), precision, Optimizer(kind, 0.01, 0.9, weight_decay=0.1))
    made.step(0)
    gradients = made.differentiate(1)
    found = list(arrays_of(made, {}))
    allowed = {np.dtype(TYPES[precision]), np.dtype(np.intp), np.dtype(np.bool_)}
    assert len(found) > 20
    assert {array.dtype for array in found} <= allowed
    assert made._latest.dtype == TYPES[precision]
    results = [gradients.outputs, made.outputs("test"), *gradients.tensors.values()]
    assert {array.dtype for array in (*results, *made.weights().values())} == {
        np.dtype(TYPES[precision])
    }


def test_what_a_step_computes_with_starts_on_a_cache_line(workload, trainer):
    made = trainer(workload("mlp"))
    made.step(0)
    found = list(arrays_of([made._network, made._parameters, made._optimizer, made._inputs], {}))
    assert len(found) > 20
    assert not [array.shape for array in found if array.ctypes.data % LINE_BYTES]


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_of_a_model_are_those_of_finite_differences(family, workload, weights, trainer):
    spec = workload(family)
    start = weights(spec.layers)
    tensors = trainer(spec).differentiate(0).tensors
    assert tensors.keys() == start.keys()
    for name, gradient in tensors.items():
        direction = np.random.default_rng(5).normal(size=gradient.shape)
        ends = [
            trainer(spec, initial={**start, name: start[name] + step * direction})
            .differentiate(0)
            .loss
            for step in (1e-5, -1e-5)
        ]
        tolerance = 1e-8 * np.linalg.norm(gradient) * np.linalg.norm(direction) + 1e-11
        rate = (ends[0] - ends[1]) / 2e-5
        assert rate == pytest.approx(np.vdot(gradient, direction), rel=1e-6, abs=tolerance), name


@pytest.mark.parametrize("family", FAMILIES)
def test_single_precision_stays_close_to_double(family, workload, trainer):
    exact, single = (trainer(workload(family), precision) for precision in ("fp64", "fp32"))
    expected, found = exact.differentiate(0), single.differentiate(0)
    assert np.linalg.norm(found.outputs - expected.outputs) < 1e-5 * np.linalg.norm(
        expected.outputs
    )
    for name, tensor in expected.tensors.items():
        assert np.linalg.norm(found.tensors[name] - tensor) < 1e-4 * np.linalg.norm(tensor), name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_is_a_gradient_and_an_update(family, workload, trainer):
    made = trainer(workload(family), optimizer=Optimizer("sgd", 0.1))
    before = made.weights()
    gradients = made.differentiate(2)
    for name, weight in made.weights().items():
        np.testing.assert_array_equal(weight, before[name])
    made.step(2)
    made.wait()
    assert made.loss() == gradients.loss
    for name, weight in made.weights().items():
        np.testing.assert_allclose(weight, before[name] - 0.1 * gradients.tensors[name], rtol=1e-13)


def test_results_are_copies(workload, trainer):
    made = trainer(workload("mlp"))
    gradients, weights = made.differentiate(0), made.weights()
    results = [gradients.outputs, made.outputs("train"), *gradients.tensors.values()]
    results += weights.values()
    kept = [result.copy() for result in results]
    made.step(1)
    made.differentiate(2)
    made.outputs("test")
    for result, expected in zip(results, kept, strict=True):
        np.testing.assert_array_equal(result, expected)


def test_the_loss_is_that_of_the_latest_step(workload, trainer):
    made = trainer(workload("mlp"))
    assert math.isnan(made.loss())
    made.step(0)
    loss = made.loss()
    made.differentiate(3)
    assert made.loss() == loss


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_of_the_plan_is_those_rows(family, workload, data, trainer):
    spec = workload(family)
    made, rows = trainer(spec), data(spec).batches[3]
    np.testing.assert_allclose(
        made.differentiate(3).outputs, made.outputs("train")[rows], rtol=1e-11, atol=1e-14
    )


@pytest.mark.parametrize("batch", [1, 4, 11, 30])
@pytest.mark.parametrize("family", FAMILIES)
def test_evaluation_does_not_depend_on_the_batch(family, batch, workload, data, trainer):
    spec = workload(family)
    expected = trainer(spec).outputs("test")
    assert expected.shape == (11, *spec.layers[-1].output_shape)
    made = trainer(spec)
    made._workload = replace(spec, batch=batch)
    np.testing.assert_allclose(made.outputs("test"), expected, rtol=1e-11, atol=1e-14)


def test_an_empty_split_has_no_outputs(workload, data, trainer):
    spec = workload("mlp")
    made = trainer(spec)
    made.stage(replace(data(spec), test_inputs=np.empty((0, 7)), test_targets=np.empty(0, int)))
    assert made.outputs("test").shape == (0, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batches": np.full((1, 4), 20)}, "row must be from 0 to 19"),
        ({"batches": np.full((1, 4), -1)}, "row"),
        ({"train_inputs": np.full((20, 5), 11)}, "input symbol must be from 0 to 10"),
        ({"test_inputs": np.full((20, 5), -1)}, "input symbol"),
        ({"train_targets": np.full((20, 5), 11)}, "label"),
    ],
)
def test_what_does_not_exist_cannot_be_staged(change, message, workload, data, trainer):
    spec = workload("decoder")
    with pytest.raises(ValueError, match=message):
        trainer(spec).stage(replace(data(spec), **change))


def test_data_must_be_staged_first(workload, weights):
    spec = workload("mlp")
    job = Job(spec, Optimizer("sgd", 0.1), Setting("numpy"))
    with pytest.raises(RuntimeError, match="staged"):
        Trainer(job, weights(spec.layers)).step(0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [(Setting("numpy", device="cuda:0"), "cuda:0"), (Setting("numpy", "bf16"), "bf16")],
)
def test_other_devices_and_precisions_are_unsupported(setting, message):
    with pytest.raises(Unsupported, match=message):
        Trainer.start(setting)


def test_an_unknown_activation_is_unsupported(trainer):
    part = layers.Dense("x", (2,), (2,), "swish", bias=True)
    with pytest.raises(Unsupported, match="swish"):
        trainer(Workload("x", (part,), "mean_squared_error", 2, (2,)))


def test_nothing_is_compiled_and_the_device_is_the_host(workload, trainer):
    made = trainer(workload("mlp"))
    assert made.compilations() is None
    assert made.device_memory() is None


def test_a_scripted_gradient_reaches_the_optimiser():
    part = layers.Dense("x", (1,), (1,), "none", bias=False)
    spec = Workload("probe", (part,), "inner_product", 2, (1,))
    ones, targets = np.ones((2, 1)), np.array([[0.01], [0.03]])
    job = Job(spec, Optimizer("sgd", 1.0), Setting("numpy", "fp64"))
    made = Trainer(job, {"x.kernel": np.ones((1, 1))})
    made.stage(Data(ones, targets, ones, targets, np.array([[0, 1]])))
    assert made.differentiate(0).tensors["x.kernel"] == pytest.approx(0.02)


@pytest.mark.parametrize("family", FAMILIES)
def test_training_lowers_the_loss(family, workload, trainer):
    made = trainer(workload(family), "fp32", Optimizer("adamw", 0.01, weight_decay=0.01))
    order = np.random.default_rng(0).permutation(np.arange(100) % 5)
    losses = []
    for batch in order:
        made.step(int(batch))
        losses.append(made.loss())
    assert np.mean(losses[-20:]) < 0.85 * np.mean(losses[:5])
