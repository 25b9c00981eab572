from __future__ import annotations

from itertools import pairwise
from math import log
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.bench.presets import DEFAULT, PRESETS, QUICK, RIGOROUS, Preset
from envdoctor.statistics.paired import least_rounds
from envdoctor.statistics.verdicts import MARGIN

LEAST = {1: 6, 2: 7, 3: 7, 4: 8, 5: 8, 6: 8, 7: 9, 8: 9, 10: 9}
"""Pairs below which Bonferroni's share of the error gives no signed-rank interval, by rows."""


@pytest.mark.parametrize(("comparisons", "rounds"), LEAST.items())
def test_the_least_rounds_are_those_of_the_signed_rank_test(comparisons: int, rounds: int) -> None:
    assert least_rounds(comparisons) == rounds


@given(st.integers(1, 50), st.floats(0.5, 0.999))
def test_one_round_fewer_would_not_do(comparisons: int, confidence: float) -> None:
    rounds = least_rounds(comparisons, confidence)
    alpha = (1 - confidence) / comparisons
    rounding = 1 + 1e-9
    assert 2.0 ** (1 - rounds) <= alpha * rounding
    assert rounds == 1 or 2.0 ** (2 - rounds) * rounding > alpha


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_can_be_carried_out(preset: Preset) -> None:
    assert 1 <= preset.least_launches <= preset.most_launches
    assert 1 <= preset.least_rounds <= preset.most_rounds
    # Ten rows and more give intervals within the rounds of the least launches.
    assert preset.least_launches * preset.most_rounds >= least_rounds(9)
    assert 0 < preset.settle_seconds < preset.workload_seconds


def test_more_thorough_presets_spend_more_for_less_width() -> None:
    order = (QUICK, DEFAULT, RIGOROUS)
    assert [preset.name for preset in order] == ["quick", "default", "rigorous"]
    for less, more in pairwise(order):
        assert less.half_width > more.half_width
        assert less.workload_seconds < more.workload_seconds
        assert less.most_launches * less.most_rounds < more.most_launches * more.most_rounds
    assert [preset.fresh for preset in order] == [False, False, True]


@pytest.mark.parametrize("preset", [DEFAULT, RIGOROUS], ids=lambda preset: preset.name)
def test_intervals_of_the_wished_width_show_five_percent_in_19_of_20_runs(preset: Preset) -> None:
    beyond_margin = log(1.05) - log(1 + MARGIN)
    deviation = preset.half_width / NormalDist().inv_cdf(0.975)
    lowest_of_19 = beyond_margin - NormalDist().inv_cdf(0.95) * deviation
    assert lowest_of_19 > preset.half_width
