from __future__ import annotations

from itertools import combinations_with_replacement, pairwise, product
from random import Random
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from envdoctor.statistics.signed_rank import (
    MOST_EXACT,
    TooFewRounds,
    estimate,
    hodges_lehmann,
    least_values,
    trimmed_each_end,
)

VALUES = st.lists(st.floats(-1, 1), min_size=1, max_size=25)


def _sample(count: int, seed: int = 0) -> list[float]:
    random = Random(seed)
    return [random.gauss(0.01, 0.03) for _ in range(count)]


def walsh_averages(values: list[float]) -> list[float]:
    """The means of all pairs, in order."""
    return sorted((a + b) / 2 for a, b in combinations_with_replacement(values, 2))


def _exact_trim(count: int, confidence: float) -> int:
    """The largest k with 2 P(W <= k) <= 1 - confidence, by adding the ranks in floating point."""
    chances = np.ones(1)
    for rank in range(1, count + 1):
        chances = (np.pad(chances, (0, rank)) + np.pad(chances, (rank, 0))) / 2
    return int(np.searchsorted(2 * np.cumsum(chances), 1 - confidence, side="right")) - 1


@pytest.mark.parametrize("count", range(1, 11))
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_the_quantile_counts_every_pattern_of_signs(count: int, confidence: float) -> None:
    sums = sorted(
        sum(rank for rank, positive in enumerate(signs, start=1) if positive)
        for signs in product((False, True), repeat=count)
    )
    outside = [
        k
        for k in range(-1, max(sums) + 1)
        if 2 * sum(s <= k for s in sums) <= (1 - confidence) * 2**count
    ]
    assert trimmed_each_end(count, confidence) == max(outside)


@pytest.mark.parametrize("count", [11, 14, 15, 16, 30, MOST_EXACT])
@pytest.mark.parametrize("confidence", [0.95, 0.99, 1 - 0.05 / 9])
def test_the_quantile_is_exact_up_to_fifty_values(count: int, confidence: float) -> None:
    assert trimmed_each_end(count, confidence) == _exact_trim(count, confidence)


@pytest.mark.parametrize("count", [MOST_EXACT + 1, 75, 100, 200, 400])
@pytest.mark.parametrize("confidence", [0.95, 0.99, 1 - 0.05 / 9])
def test_the_normal_quantile_is_hardly_ever_narrower_than_the_exact_one(
    count: int, confidence: float
) -> None:
    exact, normal = _exact_trim(count, confidence), trimmed_each_end(count, confidence)
    assert 0.99 * exact - 1 <= normal <= exact + 1


@pytest.mark.parametrize("count", [7, 10, 15, 24, 48, 60, 120])
@pytest.mark.parametrize("confidence", [0.95, 0.98])
def test_the_interval_inverts_the_test_of_scipy(count: int, confidence: float) -> None:
    values = np.array(_sample(count))
    averages = walsh_averages(list(values))
    trim = trimmed_each_end(count, confidence)
    gap = min(b - a for a, b in pairwise(averages)) / 2
    for end, outwards in ((averages[trim], -1), (averages[-1 - trim], 1)):
        inside = wilcoxon(values - (end - outwards * gap), method="exact").pvalue
        beyond = wilcoxon(values - (end + outwards * gap), method="exact").pvalue
        # Beyond the exact quantiles the interval may be one pair of ends too wide.
        slack = 0.95 if count > MOST_EXACT else 1.0
        assert beyond <= (1 - confidence) / slack
        assert inside > (1 - confidence) * slack
    assert estimate(list(values), confidence).half_width == pytest.approx(
        (averages[-1 - trim] - averages[trim]) / 2
    )


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=40))
def test_the_estimate_is_made_of_the_means_of_all_pairs(values: list[float]) -> None:
    averages = walsh_averages(values)
    assert hodges_lehmann(values) == median(averages)
    trim = trimmed_each_end(len(values), 0.95)
    found = estimate(values, 0.95)
    assert found.middle == median(averages)
    assert found.half_width == (averages[-1 - trim] - averages[trim]) / 2


@pytest.mark.parametrize("count", [1, 2, 5, 30, 61])
def test_the_middle_balances_the_ranks(count: int) -> None:
    values = np.array(_sample(count, seed=count))
    middle = hodges_lehmann(list(values))
    pairs = np.add.outer(values, values)[np.triu_indices(count)] / 2
    assert middle == pytest.approx(float(np.median(pairs)))
    if count > 5:
        centred = values - middle
        statistic = wilcoxon(centred).statistic
        assert statistic == pytest.approx(count * (count + 1) / 4, abs=1)


@pytest.mark.parametrize(
    ("comparisons", "least"), [(1, 6), (2, 7), (3, 7), (4, 8), (5, 8), (7, 9), (10, 9)]
)
def test_more_comparisons_need_more_rounds(comparisons: int, least: int) -> None:
    confidence = 1 - 0.05 / comparisons
    assert least_values(confidence) == least
    assert trimmed_each_end(least, confidence) == 0
    with pytest.raises(TooFewRounds) as raised:
        estimate(_sample(least - 1), confidence)
    assert raised.value.least == least


@given(VALUES, st.floats(-5, 5))
def test_a_shift_moves_the_middle(values: list[float], shift: float) -> None:
    moved = hodges_lehmann([value + shift for value in values])
    assert moved == pytest.approx(hodges_lehmann(values) + shift, abs=1e-12)
    assert min(values) - 1e-15 <= hodges_lehmann(values) <= max(values) + 1e-15


@given(VALUES, st.randoms())
def test_the_order_of_values_does_not_matter(values: list[float], random: Random) -> None:
    shuffled = random.sample(values, len(values))
    assert hodges_lehmann(shuffled) == pytest.approx(hodges_lehmann(values), abs=1e-15)


def test_a_wild_value_moves_the_middle_less_than_the_others_spread() -> None:
    values = _sample(20)
    wild = estimate([*values, 1e6], 0.95)
    assert abs(wild.middle - median(values)) < 0.03
    assert wild.half_width < 0.03


@given(st.lists(st.floats(-1, 1), min_size=9, max_size=20), st.floats(0.5, 0.99))
def test_more_confidence_never_narrows_the_interval(values: list[float], confidence: float) -> None:
    wider = estimate(values, (1 + confidence) / 2).half_width
    assert wider >= estimate(values, confidence).half_width >= 0
