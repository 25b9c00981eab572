"""The losses against their formulas, and their gradients against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from envdoctor.child.contract import Unsupported
from envdoctor_numpy.losses import make_loss

SHAPE = (4, 3, 5)


def cross_entropy(outputs, targets, smoothing=0.0):
    logs = outputs - np.log(np.exp(outputs).sum(-1, keepdims=True))
    hits = np.eye(5)[targets] * (1 - smoothing) + smoothing / 5
    return -(logs * hits).sum() / targets.size


def values(name, seed=0):
    random = np.random.default_rng(seed)
    targets = random.integers(5, size=SHAPE[:-1]) if name == "cross_entropy" else None
    return random.normal(size=SHAPE), random.normal(size=SHAPE) if targets is None else targets


FORMULAS = {
    "cross_entropy": cross_entropy,
    "mean_squared_error": lambda outputs, targets: ((outputs - targets) ** 2).mean(),
    "inner_product": lambda outputs, targets: (outputs * targets).sum() / 4,
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_a_loss_and_its_gradient(name, factor):
    outputs, targets = values(name)
    loss = make_loss(name, SHAPE, np.float64, factor=factor)
    value, gradient = loss.differentiate(outputs, targets)
    assert value == pytest.approx(factor * FORMULAS[name](outputs, targets), rel=1e-13)
    direction = np.random.default_rng(9).normal(size=SHAPE)
    ends = [FORMULAS[name](outputs + step * direction, targets) for step in (1e-5, -1e-5)]
    rate = factor * (ends[0] - ends[1]) / 2e-5
    assert np.vdot(gradient, direction) == pytest.approx(rate, rel=1e-7)


def test_label_smoothing_spreads_a_share_of_the_target():
    outputs, targets = values("cross_entropy")
    loss = make_loss("cross_entropy", SHAPE, np.float64, smoothing=0.2)
    value, gradient = loss.differentiate(outputs, targets)
    assert value == pytest.approx(cross_entropy(outputs, targets, 0.2), rel=1e-13)
    chances = np.exp(outputs) / np.exp(outputs).sum(-1, keepdims=True)
    hits = np.eye(5)[targets] * 0.8 + 0.04
    np.testing.assert_allclose(gradient, (chances - hits) / 12, rtol=1e-12, atol=1e-16)


def test_cross_entropy_survives_large_outputs():
    loss = make_loss("cross_entropy", (1, 3), np.float32)
    value, gradient = loss.differentiate(np.float32([[1e4, -1e4, 0]]), np.array([1]))
    assert value == 2e4
    np.testing.assert_array_equal(gradient, [[1, -1, 0]])


@pytest.mark.parametrize("name", FORMULAS)
def test_outputs_are_not_changed(name):
    outputs, targets = values(name)
    before = outputs.copy()
    make_loss(name, SHAPE, np.float64).differentiate(outputs, targets)
    np.testing.assert_array_equal(outputs, before)


def test_an_unknown_loss_is_unsupported():
    with pytest.raises(Unsupported, match="hinge"):
        make_loss("hinge", SHAPE, np.float64)
