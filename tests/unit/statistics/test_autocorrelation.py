from __future__ import annotations

from math import sqrt
from random import Random

import numpy as np
import pytest

from envdoctor.statistics.autocorrelation import is_correlated, lag_one, widening


def _autoregression(count: int, correlation: float, seed: int) -> list[float]:
    random = Random(seed)
    values = [random.gauss(0, 1)]
    while len(values) < count:
        values.append(correlation * values[-1] + sqrt(1 - correlation**2) * random.gauss(0, 1))
    return values


def test_the_estimate_is_the_textbook_one() -> None:
    values = _autoregression(50, 0.5, seed=1)
    centred = np.array(values) - np.mean(values)
    expected = float(centred[:-1] @ centred[1:] / (centred @ centred))
    assert lag_one([values]) == pytest.approx(expected)


def test_a_step_between_launches_is_no_correlation() -> None:
    launches = [[level + noise for noise in (0.1, -0.1, -0.1, 0.1)] for level in (0.0, 50.0)]
    assert lag_one(launches) == pytest.approx(-0.25)


@pytest.mark.parametrize("launches", [[[1.0]], [[2.0, 2.0], [3.0]]])
def test_equal_values_have_none(launches: list[list[float]]) -> None:
    assert lag_one(launches) is None
    assert not is_correlated(None, 2)


def test_resemblance_is_told_from_chance() -> None:
    found = [
        lag_one([_autoregression(16, 0.7, seed=s), _autoregression(16, 0.7, seed=-s - 1)])
        for s in range(50)
    ]
    chance = [lag_one([_autoregression(32, 0.0, seed=s)]) for s in range(200)]
    assert sum(is_correlated(each, 32) for each in found) >= 40
    assert sum(is_correlated(each, 32) for each in chance) <= 10


def test_alternation_is_not_resemblance() -> None:
    assert not is_correlated(-0.9, 100)


def test_the_factor_is_that_of_an_autoregression() -> None:
    assert widening(0.0) == 1.0
    assert widening(0.6) == pytest.approx(2.0)
