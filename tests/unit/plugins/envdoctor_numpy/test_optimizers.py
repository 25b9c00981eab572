"""The optimisers against the formulas of the contract, in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envdoctor.child.contract import Optimizer, Unsupported
from envdoctor_numpy.optimizers import make_optimizer
from envdoctor_numpy.parameters import Parameters

GRADIENTS = (0.01, -0.3, 2.0, 0.0, 1e-6)


def sgd(settings, w):
    v = 0.0
    for step, g in enumerate(GRADIENTS):
        v = g if step == 0 else settings.momentum * v + g
        w -= settings.learning_rate * v
        yield w


def adamw(settings, w):
    m = v = 0.0
    for t, g in enumerate(GRADIENTS, 1):
        m = settings.beta1 * m + (1 - settings.beta1) * g
        v = settings.beta2 * v + (1 - settings.beta2) * g * g
        m_hat, v_hat = m / (1 - settings.beta1**t), v / (1 - settings.beta2**t)
        step = m_hat / (math.sqrt(v_hat) + settings.epsilon) + settings.weight_decay * w
        w -= settings.learning_rate * step
        yield w


CASES = [
    (sgd, Optimizer("sgd", 0.1)),
    (sgd, Optimizer("sgd", 0.1, momentum=0.9)),
    (adamw, Optimizer("adamw", 1e-3, weight_decay=0.01)),
    (adamw, Optimizer("adamw", 0.1, epsilon=0.1)),
    (adamw, Optimizer("adamw", 0.1, beta1=0.5, beta2=0.7, epsilon=1e-3, weight_decay=0.3)),
]


@pytest.mark.parametrize(("formula", "settings"), CASES)
def test_an_optimiser_follows_its_formula(formula, settings, monkeypatch):
    monkeypatch.setattr("envdoctor_numpy.optimizers._BLOCK", 4)
    parameters = Parameters({"a": np.ones(3), "b": np.full((3, 3), -2.0)}, np.float64)
    optimizer = make_optimizer(settings, parameters)
    for gradient, one, two in zip(
        GRADIENTS, formula(settings, 1.0), formula(settings, -2.0), strict=True
    ):
        parameters["a"].gradient.fill(gradient)
        parameters["b"].gradient.fill(gradient)
        optimizer.update()
        np.testing.assert_allclose(parameters["a"].value, one, rtol=1e-13)
        np.testing.assert_allclose(parameters["b"].value, two, rtol=1e-13)


def test_adamw_has_its_epsilon_beside_the_corrected_root():
    parameters = Parameters({"w": np.ones(1)}, np.float64)
    optimizer = make_optimizer(Optimizer("adamw", 0.1, epsilon=0.1), parameters)
    parameters["w"].gradient.fill(0.01)
    optimizer.update()
    optimizer.update()
    assert parameters["w"].value[0] == pytest.approx(0.98181818, abs=5e-9)


def test_an_unknown_optimiser_is_unsupported():
    with pytest.raises(Unsupported, match="lion"):
        make_optimizer(Optimizer("lion", 0.1), Parameters({}, np.float64))
