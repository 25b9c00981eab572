"""Batch norms: values by the plain formula, and the running statistics."""

from __future__ import annotations

import numpy as np
import pytest

from envdoctor.child import layers
from envdoctor_numpy.batch_norm import BatchNorm
from envdoctor_numpy.parameters import Parameters
from envdoctor_numpy.residual import ResidualBlock

SPEC = layers.BatchNorm("x", (3, 2, 4), (3, 2, 4), "none", 1e-3, 0.75)


def images(seed=0, batch=5):
    """Images as (channels, height, width, batch), of different means."""
    random = np.random.default_rng(seed)
    return random.normal(loc=np.arange(4.0), size=(3, 2, batch, 4)).transpose(3, 0, 1, 2)


def plain(x, mean, variance, parameters):
    """The formula for images whose first axis holds the channels."""
    columns = [
        values.reshape(-1, 1, 1, 1)
        for values in (
            mean,
            variance,
            parameters["x.scale"].value,
            parameters["x.offset"].value,
        )
    ]
    mean, variance, scale, offset = columns
    return (x - mean) / np.sqrt(variance + 1e-3) * scale + offset


def test_a_step_normalises_with_the_biased_variance_of_its_batch(weights):
    parameters = Parameters(weights([SPEC]), np.float64)
    x = images()
    expected = plain(x, x.mean((1, 2, 3)), x.var((1, 2, 3)), parameters)
    np.testing.assert_allclose(BatchNorm(SPEC, 5, parameters).forward(x), expected, rtol=1e-12)


def test_running_statistics_keep_their_share_and_serve_every_size_of_batch(weights):
    parameters = Parameters(weights([SPEC]), np.float64)
    norm = BatchNorm(SPEC, 5, parameters)
    mean, variance = np.zeros(4), np.ones(4)
    for seed in range(3):
        x = images(seed)
        norm.forward(x)
        norm.remember()
        mean = 0.75 * mean + 0.25 * x.mean((1, 2, 3))
        variance = 0.75 * variance + 0.25 * x.var((1, 2, 3))
    x = images(7, batch=2)
    found = BatchNorm(SPEC, 2, parameters).evaluate(x)
    np.testing.assert_allclose(found, plain(x, mean, variance, parameters), rtol=1e-12)


def test_nothing_is_remembered_of_a_pass_alone(weights):
    parameters = Parameters(weights([SPEC]), np.float64)
    norm = BatchNorm(SPEC, 5, parameters)
    before = norm.evaluate(images()).copy()
    norm.forward(images(1))
    np.testing.assert_array_equal(norm.evaluate(images()), before)


@pytest.mark.parametrize("channels", [4, 6])
def test_a_shortcut_adds_every_other_pixel_and_channels_of_zeros(weights, channels):
    spec = layers.ResidualBlock(
        "x", (3, 4, 4), (2, 2, channels), "basic", channels, 2, "padding", "none", 1e-5, 0.9
    )
    # With scales of zero the branch is its last offset.
    values = {
        name: np.zeros_like(value) if name.endswith("scale") else value
        for name, value in weights([spec]).items()
    }
    x = images(batch=5)[:, :3].repeat(2, axis=2)
    y = ResidualBlock(spec, 5, Parameters(values, np.float64)).forward(x)
    expected = np.zeros((channels, 2, 2, 5))
    expected[:4] = x[:, ::2, ::2]
    expected += values["x.norm_2.offset"].reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)


def test_evaluation_uses_what_training_has_seen(workload, trainer):
    trained = trainer(workload("resnet"))
    fresh = trained.outputs("test").copy()
    weights = trained.weights()
    trained.differentiate(0)
    np.testing.assert_array_equal(trained.outputs("test"), fresh)
    trained.step(0)
    other = trainer(workload("resnet"), initial=weights)
    other.step(0)
    np.testing.assert_array_equal(other.outputs("test"), trained.outputs("test"))
    assert not np.allclose(trained.outputs("test"), fresh)
