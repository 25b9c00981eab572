from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from envdoctor.workload.pieces import Parameter
from envdoctor.workload.prepare import hash_arrays, prepare
from envdoctor.workload.weights import DISTURBANCE, disturb_weights, draw_weights
from envdoctor_workloads.plugin import envdoctor_data_sets, envdoctor_workloads

MLP_TINY_SHA256 = "0467209ce7d7aac4227fc72ea671a3d0997caa226067fc3743d264c3215bc99f"
KERNEL = Parameter("a.kernel", (300, 200), "glorot_uniform", 300, 200)


def _draw(initial: str, shape: tuple[int, ...], fan_in: int = 0, fan_out: int = 0) -> np.ndarray:
    return draw_weights([Parameter("a", shape, initial, fan_in, fan_out)], seed=0)["a"]


def test_the_weights_of_a_seed_never_change() -> None:
    path = next(file.path for file in envdoctor_workloads() if file.name == "mlp-tiny")
    data_sets = {data_set.name: data_set for data_set in envdoctor_data_sets()}
    assert hash_arrays(prepare(path, data_sets, seed=0).weights()) == MLP_TINY_SHA256


def test_another_seed_gives_other_weights() -> None:
    assert not np.array_equal(
        draw_weights([KERNEL], 0)["a.kernel"], draw_weights([KERNEL], 1)["a.kernel"]
    )


def test_weights_are_drawn_in_the_order_of_the_description() -> None:
    other = Parameter("b.kernel", (300, 200), "glorot_uniform", 300, 200)
    one, two = draw_weights([KERNEL, other], 0), draw_weights([other, KERNEL], 0)
    assert list(one) == ["a.kernel", "b.kernel"]
    np.testing.assert_array_equal(one["a.kernel"], two["b.kernel"])


def test_weights_are_float64() -> None:
    for initial in ("glorot_uniform", "he_normal", "normal", "zeros", "ones", "forget_ones"):
        assert _draw(initial, (8, 8)[: 1 + (initial != "forget_ones")], 8, 8).dtype == np.float64


@pytest.mark.parametrize(
    ("initial", "bound"),
    [("glorot_uniform", sqrt(6 / 500)), ("recurrent_uniform", sqrt(1 / 300))],
)
def test_uniform_weights_fill_their_interval_evenly(initial: str, bound: float) -> None:
    drawn = _draw(initial, (300, 200), 300, 200)
    assert np.abs(drawn).max() <= bound
    assert np.abs(drawn).max() > 0.999 * bound
    assert drawn.std() == pytest.approx(bound / sqrt(3), rel=0.02)
    assert drawn.mean() == pytest.approx(0, abs=0.02 * bound)


@pytest.mark.parametrize(("initial", "deviation"), [("he_normal", sqrt(2 / 300)), ("normal", 0.02)])
def test_normal_weights_have_their_deviation(initial: str, deviation: float) -> None:
    drawn = _draw(initial, (300, 200), 300, 200)
    assert drawn.std() == pytest.approx(deviation, rel=0.02)
    assert drawn.mean() == pytest.approx(0, abs=0.02 * deviation)
    # A normal distribution has tails, a uniform one of the same deviation ends at 1.73.
    assert np.abs(drawn).max() > 3.5 * deviation


def test_an_lstm_starts_by_remembering() -> None:
    np.testing.assert_array_equal(_draw("forget_ones", (12,)), [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])


def test_the_gate_moves_every_vector_and_no_matrix() -> None:
    weights = {"kernel": np.ones((3, 3)), "bias": np.zeros(1000), "scale": np.ones(1000)}
    moved = disturb_weights(weights, seed=0)
    np.testing.assert_array_equal(moved["kernel"], weights["kernel"])
    for name in ("bias", "scale"):
        difference = moved[name] - weights[name]
        assert (difference != 0).all()
        assert difference.std() == pytest.approx(DISTURBANCE, rel=0.1)
    np.testing.assert_array_equal(weights["bias"], 0)
    np.testing.assert_array_equal(disturb_weights(weights, 0)["bias"], moved["bias"])
    assert not np.array_equal(disturb_weights(weights, 1)["bias"], moved["bias"])
