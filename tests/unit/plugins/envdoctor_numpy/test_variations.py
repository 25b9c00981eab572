"""Deliberate differences: each shows where it applies, and the legitimate ones do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envdoctor.child.contract import Unsupported, Variation
from envdoctor_numpy.variations import VARIATIONS

# The families that a variation shows in, and a value for it.
SHOWN = {
    "layer-norm-epsilon": (1e-2, "images decoder vit"),
    "gelu-exact": (0, "decoder"),
    "gelu-tanh": (0, "vit cnn"),
    "no-causal-mask": (0, "decoder"),
    "strict-causal-mask": (0, "decoder"),
    "attention-scale": (1.01, "decoder vit"),
    "attention-unscaled": (0, "decoder vit"),
    "skip-mlp": (0, "decoder vit"),
    "skip-attention": (0, "decoder vit"),
    "missing-bias": (0, "mlp cnn images lstm"),
    "half-batch": (0, "mlp cnn images decoder vit lstm"),
    "label-smoothing": (1e-3, "mlp cnn decoder vit lstm"),
    "loss-scale": (5, "mlp cnn images decoder vit lstm"),
    "same-padding": (0, "cnn"),
    "channels-first-flatten": (0, "cnn"),
    "lstm-forget-bias": (1, "lstm"),
    "lstm-gate-order": (0, "lstm"),
}
LEGITIMATE = ("fast-variance", "summation-order")
SHOWING = [(name, family) for name, (_, families) in SHOWN.items() for family in families.split()]


def distance(one, other):
    return np.linalg.norm(one - other) / (np.linalg.norm(other) or 1)


def vary(trainer, spec, name, value=0.0):
    return trainer(spec, variation=Variation(name, value)).differentiate(0)


def test_every_variation_is_tested():
    assert {*SHOWN, *LEGITIMATE} == set(VARIATIONS)
    assert all(sentence.endswith((".", "legitimate.")) for sentence in VARIATIONS.values())


@pytest.mark.parametrize(("name", "family"), SHOWING)
def test_a_variation_shows_where_it_applies(name, family, workload, trainer):
    spec = workload(family)
    expected = trainer(spec).differentiate(0)
    found = vary(trainer, spec, name, SHOWN[name][0])
    worst = max(distance(found.tensors[key], expected.tensors[key]) for key in expected.tensors)
    assert worst > 1e-5


@pytest.mark.parametrize(
    ("name", "family"),
    [
        *(("fast-variance", family) for family in ("images", "decoder", "vit")),
        *(("summation-order", f) for f in ("mlp", "cnn", "images", "decoder", "vit", "lstm")),
    ],
)
def test_a_legitimate_variation_changes_rounding_only(name, family, workload, trainer):
    spec = workload(family)
    expected = trainer(spec).differentiate(0)
    found = vary(trainer, spec, name)
    assert distance(found.outputs, expected.outputs) < 1e-13
    for key, tensor in expected.tensors.items():
        assert np.abs(found.tensors[key] - tensor).max() < 1e-13 * (1 + np.abs(tensor).max())
    assert any((found.tensors[key] != tensor).any() for key, tensor in expected.tensors.items())


@pytest.mark.parametrize(
    "name", sorted(set(SHOWN) - {"missing-bias", "skip-mlp", "skip-attention"})
)
def test_a_variation_leaves_alone_what_it_is_not_about(name, workload, trainer):
    others = {"mlp", "cnn", "images", "decoder", "vit", "lstm"} - set(SHOWN[name][1].split())
    for family in others:
        spec = workload(family)
        expected = trainer(spec).differentiate(0)
        found = vary(trainer, spec, name, SHOWN[name][0])
        for key, tensor in expected.tensors.items():
            np.testing.assert_array_equal(found.tensors[key], tensor)


@pytest.mark.parametrize(
    ("name", "closed"),
    [
        ("skip-mlp", ("mlp_norm", "expand", "contract")),
        ("skip-attention", ("attention_norm", "qkv", "projection")),
    ],
)
def test_a_skipped_branch_learns_nothing(name, closed, workload, trainer):
    spec = workload("decoder")
    tensors = vary(trainer, spec, name, 1).tensors
    for key, tensor in tensors.items():
        assert tensor.any() != key.startswith(tuple(f"top.{part}." for part in closed)), key


@pytest.mark.parametrize(
    ("family", "number", "names"),
    [
        ("mlp", 1, {"two.bias"}),
        ("cnn", 0, {"one.bias"}),
        ("lstm", 0, {"lstm.bias"}),
        ("vit", 3, {f"block.{part}.bias" for part in ("qkv", "projection", "expand", "contract")}),
    ],
)
def test_a_missing_bias_is_taken_as_zero(family, number, names, workload, weights, trainer):
    spec = workload(family)
    initial = {name: weight * (name not in names) for name, weight in weights(spec.layers).items()}
    expected = trainer(spec, initial=initial).differentiate(0)
    found = vary(trainer, spec, "missing-bias", number)
    np.testing.assert_array_equal(found.outputs, expected.outputs)
    for key, tensor in expected.tensors.items():
        np.testing.assert_array_equal(found.tensors[key], tensor * (key not in names))


def test_half_of_a_batch_is_its_first_half(workload, trainer):
    spec = workload("mlp")
    whole, half = trainer(spec).differentiate(0), vary(trainer, spec, "half-batch")
    np.testing.assert_allclose(half.outputs, whole.outputs[:3], rtol=1e-13)


def test_a_scaled_loss_scales_all_gradients(workload, trainer):
    spec = workload("decoder")
    whole, scaled = trainer(spec).differentiate(0), vary(trainer, spec, "loss-scale", 5)
    assert scaled.loss == pytest.approx(5 * whole.loss, rel=1e-14)
    for key, tensor in whole.tensors.items():
        np.testing.assert_allclose(scaled.tensors[key], 5 * tensor, rtol=1e-10, atol=1e-15)


def test_a_strict_mask_lets_the_first_step_look_at_all(workload, trainer):
    spec = workload("decoder")
    strict = trainer(spec, variation=Variation("strict-causal-mask"))
    before = strict.differentiate(0).outputs
    rows = strict._staged.train_inputs
    rows[:, -1] = (rows[:, -1] + 1) % 11
    changed = np.abs(strict.differentiate(0).outputs - before).max((0, 2))
    # The second block of the decoder carries what the first step saw on to all others.
    assert (changed > 1e-6).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("nonsense", 0), ("skip-mlp", 2), ("skip-attention", -1), ("missing-bias", 9)],
)
def test_what_cannot_be_varied_is_unsupported(name, value, workload, trainer):
    with pytest.raises(Unsupported):
        vary(trainer, workload("decoder"), name, value)


def test_a_layer_without_a_bias_cannot_miss_it(workload, trainer):
    with pytest.raises(Unsupported, match="no bias"):
        vary(trainer, workload("images"), "missing-bias", 2)


def test_same_padding_needs_the_sizes_of_same(workload, trainer):
    spec = workload("cnn")
    first = replace(spec.layers[0], input_shape=(9, 7, 2))
    spec = replace(spec, layers=(first, *spec.layers[1:]), input_shape=(9, 7, 2))
    spec = replace(spec, layers=(replace(first, padding=0), *spec.layers[1:]))
    expected = trainer(spec).differentiate(0)
    found = vary(trainer, spec, "same-padding")
    np.testing.assert_array_equal(found.outputs, expected.outputs)
