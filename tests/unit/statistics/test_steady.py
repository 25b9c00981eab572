from __future__ import annotations

from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.statistics.steady import LATEST, is_steady, still_changes

STEP = 1e-3


def _noisy(count: int, deviation: float, seed: int = 0) -> list[float]:
    random = Random(seed)
    return [STEP * exp(random.gauss(0, deviation)) for _ in range(count)]


@given(st.floats(1e-7, 10), st.integers(LATEST, 40))
def test_the_same_time_again_and_again_is_steady(seconds: float, count: int) -> None:
    assert is_steady([seconds] * count)
    assert not still_changes([seconds] * count)


@pytest.mark.parametrize("count", range(LATEST))
def test_too_few_blocks_tell_nothing(count: int) -> None:
    assert not is_steady([STEP] * count)
    assert not still_changes([STEP] * count)


@given(st.floats(1e-3, 1e3), st.integers(0, 100))
def test_the_unit_of_time_does_not_matter(factor: float, seed: int) -> None:
    times = _noisy(16, 0.02, seed)
    scaled = [factor * time for time in times]
    assert is_steady(scaled) == is_steady(times)
    assert still_changes(scaled) == still_changes(times)


def test_little_noise_is_steady_almost_always() -> None:
    steady = sum(is_steady(_noisy(LATEST, 0.005, seed)) for seed in range(300))
    assert steady > 270


def test_a_trend_is_not_steady_and_does_change() -> None:
    falling = [STEP * 0.98**number for number in range(40)]
    assert not is_steady(falling)
    assert still_changes(falling)
    rising = falling[::-1]
    assert not is_steady(rising)
    assert still_changes(rising)


def test_a_slow_trend_under_noise_does_change() -> None:
    times = [
        time * 0.996**number for number, time in enumerate(_noisy(60, 0.005))
    ]  # 11 % over the later half
    assert still_changes(times)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0])
def test_a_step_is_not_steady_until_it_is_past(factor: float) -> None:
    stepped = [STEP] * 20 + [factor * STEP] * 4
    assert not is_steady(stepped)
    assert is_steady(stepped + [factor * STEP] * 4)


def test_a_step_within_the_later_half_does_change() -> None:
    assert still_changes([STEP] * 30 + [0.9 * STEP] * 10)
    # And one in the earlier half is warm-up that is over.
    assert not still_changes([STEP] * 10 + [0.9 * STEP] * 30)


def _unsteady(times: list[float]) -> bool:
    """Whether a row would be called unsteady after these blocks, which nothing ended sooner."""
    met = any(is_steady(times[:count]) for count in range(LATEST, len(times) + 1))
    return not met and still_changes(times)


def test_noise_alone_is_not_called_a_change() -> None:
    runs = [_noisy(40, 0.10, seed) for seed in range(300)]
    assert sum(map(still_changes, runs)) <= 15
    assert sum(map(_unsteady, runs)) <= 3
    # Noise as large may keep the rule from being met: that is why there are two.
    assert sum(is_steady(times[:LATEST]) for times in runs) < 150


def test_a_warm_up_is_not_steady_before_it_is_over() -> None:
    warming = [STEP * (1 + 0.5 * 0.7**number) for number in range(40)]
    first = next(number for number in range(LATEST, 41) if is_steady(warming[:number]))
    # By then what is left of the excess is a few percent of the time, at most.
    assert warming[first - LATEST] < 1.1 * STEP
    assert all(is_steady(warming[:number]) for number in range(first + 4, 41))
    assert not still_changes(warming)


def test_a_late_first_block_is_seen() -> None:
    assert not is_steady([1.2 * STEP] + [STEP * (1 + 0.001 * n) for n in range(7)])


def test_a_first_block_that_is_hardly_late_is_none() -> None:
    # The others spread by nothing at all, so that any excess would be an outlier.
    assert is_steady([1.005 * STEP] + [STEP] * 7)
    assert not is_steady([1.02 * STEP] + [STEP] * 7)


def test_a_spread_that_grows_is_seen() -> None:
    calm = [0.999, 1.0, 1.001, 1.0]
    wild = [0.94, 1.06, 0.95, 1.05]
    assert not is_steady([STEP * each for each in calm + wild])
    assert is_steady([STEP * each for each in calm + calm])


def test_only_the_latest_blocks_count() -> None:
    assert is_steady([9 * STEP, 5 * STEP, 3 * STEP] + [STEP] * LATEST)
