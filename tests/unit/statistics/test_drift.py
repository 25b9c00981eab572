from __future__ import annotations

from math import log
from random import Random

import pytest

from envdoctor.statistics.drift import drift


def _values(count: int, drop: float, seed: int, noise: float = 0.015) -> list[float]:
    """Noise about a level that falls evenly by `drop`."""
    random = Random(seed)
    return [random.gauss(0, noise) - drop * number / count for number in range(count)]


def test_a_steady_ratio_is_not_called_a_drift() -> None:
    noise = [drift(_values(30, 0.0, s, 0.04), margin=0.02, confidence=0.95) for s in range(300)]
    assert sum(found is not None for found in noise) <= 15


def test_a_drift_is_found_with_its_halves() -> None:
    found = [drift(_values(48, 0.08, s), margin=0.02, confidence=0.95) for s in range(50)]
    assert all(found)
    first = found[0]
    assert first is not None
    assert first.first_ratio - first.second_ratio == pytest.approx(0.04, abs=0.015)


def test_the_statistic_is_compared_with_kolmogorovs_quantile() -> None:
    # Two levels of n / 2 each: the sum reaches n/2 * d/2, s = d/2 * sqrt(n / (n - 1)).
    values = [0.0] * 4 + [log(1.5)] * 4
    # 4 / sqrt(8 * 8 / 7) = 1.32 does not exceed 1.36, the quantile at 5 %, but 1.22, that at 10 %.
    assert drift(values, margin=0.02, confidence=0.95) is None
    found = drift(values, margin=0.02, confidence=0.90)
    assert found is not None
    assert (found.first_ratio, found.second_ratio) == pytest.approx((1.0, 1.5))


def test_a_drift_under_the_margin_does_not_matter() -> None:
    values = _values(100, 0.02, 0, noise=0.001)
    assert drift(values, margin=0.02, confidence=0.95) is None
    assert drift(values, margin=0.005, confidence=0.95) is not None


@pytest.mark.parametrize("values", [[], [1.0], [0.0, 1.0, 2.0], [0.3] * 20])
def test_few_or_equal_values_do_not_drift(values: list[float]) -> None:
    assert drift(values, margin=0.0, confidence=0.95) is None
