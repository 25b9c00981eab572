from __future__ import annotations

from dataclasses import replace
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.statistics.interval import Interval
from envdoctor.statistics.paired import Comparison
from envdoctor.statistics.verdicts import rounds_to_settle, verdict, widened_margin

OPPOSITE = {
    "slower": "faster",
    "leans slower": "leans faster",
    "tie": "tie",
    "inconclusive": "inconclusive",
    "leans faster": "leans slower",
    "faster": "slower",
}


def _comparison(log_ratio: float, half_width: float | None, rounds: int = 36) -> Comparison:
    interval = None if half_width is None else Interval.around(log_ratio, half_width)
    return Comparison(
        ratio=exp(log_ratio),
        interval=interval,
        verdict=verdict(interval, 0.02),
        margin=0.02,
        rounds=rounds,
        least_rounds=6,
        launches=3,
        pair_deviation=0.02,
        autocorrelation=None,
        autocorrelated=False,
        drift=None,
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.03, 1.06, "slower"),
        (1.021, 1.5, "slower"),
        (1.02, 1.05, "leans slower"),
        (1.005, 1.05, "leans slower"),
        (1.005, 1.015, "tie"),
        (0.99, 1.01, "tie"),
        (0.981, 1.019, "tie"),
        (0.98, 1.01, "inconclusive"),
        # The zone is as far below one as above it in the logarithm: from 1 / 1.02 = 0.9804.
        (0.9802, 1.01, "inconclusive"),
        (0.99, 1.02, "inconclusive"),
        (1.0, 1.05, "inconclusive"),
        (0.5, 2.0, "inconclusive"),
        (0.94, 0.97, "faster"),
        (0.95, 0.99, "leans faster"),
        (0.95, 1.0, "inconclusive"),
    ],
)
def test_the_interval_decides(low: float, high: float, expected: str) -> None:
    assert verdict(Interval(low, high), 0.02) == expected


def test_without_an_interval_nothing_is_said() -> None:
    assert verdict(None, 0.02) == "inconclusive"


@given(st.floats(-0.5, 0.5), st.floats(1e-4, 0.5), st.floats(0.001, 0.1))
def test_changing_sides_turns_the_verdict_around(middle: float, half: float, margin: float) -> None:
    there = verdict(Interval.around(middle, half), margin)
    back = verdict(Interval.around(-middle, half), margin)
    assert back == OPPOSITE[there]


@given(st.floats(-0.5, 0.5), st.floats(1e-4, 0.5), st.floats(0.001, 0.1), st.floats(1, 5))
def test_a_wider_margin_never_makes_a_clear_difference(
    middle: float, half: float, margin: float, factor: float
) -> None:
    found = Interval.around(middle, half)
    if verdict(found, margin * factor) in {"slower", "faster"}:
        assert verdict(found, margin * factor) == verdict(found, margin)


def test_a_noisy_twin_widens_the_margin_and_a_quiet_one_does_not() -> None:
    assert widened_margin(0.02, log(1.04)) == pytest.approx(0.04)
    assert widened_margin(0.02, 0.005) == 0.02


@pytest.mark.parametrize("log_ratio", [0.06, -0.06, 0.0, 0.01])
def test_so_many_more_rounds_would_settle_it(log_ratio: float) -> None:
    found = _comparison(log_ratio, 0.1)
    more = rounds_to_settle(found, 1000)
    assert more is not None
    half_width = 0.1 * (36 / (36 + more)) ** 0.5
    settled = verdict(Interval.around(log_ratio, half_width - 1e-9), 0.02)
    assert settled in {"slower", "faster", "tie"}
    not_yet = Interval.around(log_ratio, 0.1 * (36 / (36 + more * 0.95)) ** 0.5)
    assert verdict(not_yet, 0.02) not in {"slower", "faster", "tie"}


@pytest.mark.parametrize("log_ratio", [log(1.02), 0.0199, -log(1.02)])
def test_a_ratio_at_the_margin_is_beyond_any_budget(log_ratio: float) -> None:
    assert rounds_to_settle(_comparison(log_ratio, 0.1), 48) is None


def test_ten_times_the_most_rounds_is_the_last_that_is_said() -> None:
    found = _comparison(0.0, log(1.02) * 10.999**0.5, rounds=48)
    assert rounds_to_settle(found, 49) == 480
    assert rounds_to_settle(found, 47) is None


def test_without_an_interval_the_first_one_is_the_aim() -> None:
    assert rounds_to_settle(_comparison(0.5, None, rounds=4), 48) == 2
    assert rounds_to_settle(replace(_comparison(0.5, None), rounds=5), 48) == 1
