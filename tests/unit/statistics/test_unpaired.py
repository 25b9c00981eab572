from __future__ import annotations

from itertools import combinations
from math import comb, exp, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.statistics import unpaired
from envdoctor.statistics.unpaired import rank_sum_quantile, shift

VALUES = st.lists(st.floats(-1, 1), min_size=4, max_size=8)
LAUNCHES = st.lists(VALUES, min_size=1, max_size=3)


def _sample(
    random: Random,
    *,
    launches: int = 3,
    rounds: int = 12,
    launch_noise: float = 0.004,
    noise: float = 0.02,
    memory: float = 0.0,
) -> list[list[float]]:
    """Logarithms with heavy tails (Student, 3), a level for each launch, and some memory."""
    found = []
    for _ in range(launches):
        level, now, values = random.gauss(0, launch_noise), 0.0, []
        for _ in range(rounds):
            tail = random.gauss(0, 1) / (random.gammavariate(1.5, 2) / 3) ** 0.5 * noise / 3**0.5
            now = memory * now + (1 - memory**2) ** 0.5 * tail
            values.append(level + now)
        found.append(values)
    return found


@pytest.mark.parametrize(("a", "b"), [(3, 4), (5, 5), (2, 6)])
def test_the_statistic_is_counted_as_by_listing_all_orders(a: int, b: int) -> None:
    counts = [0] * (a * b + 1)
    for places in combinations(range(a + b), a):
        counts[sum(place - rank for rank, place in enumerate(places))] += 1
    assert unpaired._rank_sum_counts(a, b) == counts


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("a", "b"), [(6, 6), (8, 12), (20, 20)])
def test_the_interval_is_the_narrowest_that_is_sure_enough(a: int, b: int, level: float) -> None:
    counts = unpaired._rank_sum_counts(a, b)
    first = rank_sum_quantile(a, b, level)
    assert 2 * sum(counts[:first]) <= (1 - level) * comb(a + b, a)
    assert 2 * sum(counts[: first + 1]) > (1 - level) * comb(a + b, a)


def test_beyond_the_exact_the_quantile_goes_on_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = rank_sum_quantile(45, 50, 0.95)
    monkeypatch.setattr(unpaired, "LARGEST_EXACT_PAIRS", 1)
    normal = rank_sum_quantile.__wrapped__(45, 50, 0.95)
    assert 0 <= exact - normal <= 2


def test_the_quantile_is_that_of_the_printed_tables() -> None:
    # Critical values of U, two-sided 5 %: 5 at 6 and 6, 13 at 8 and 8, 23 at 10 and 10.
    assert [rank_sum_quantile(n, n, 0.95) - 1 for n in (6, 8, 10)] == [5, 13, 23]


def test_too_few_values_have_no_interval() -> None:
    found = shift([[0.0, 0.01]], [[0.1, 0.11]], comparisons=1)
    assert found.interval is None
    assert found.ratio == pytest.approx(exp(0.1))


@given(LAUNCHES, LAUNCHES)
def test_swapping_the_sides_inverts_the_ratio(a: list[list[float]], b: list[list[float]]) -> None:
    there, back = shift(a, b, comparisons=1), shift(b, a, comparisons=1)
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert there.interval is not None
    assert back.interval is not None
    assert there.interval.low == pytest.approx(1 / back.interval.high)
    assert (there.blocks, there.launches) == (back.blocks[::-1], back.launches[::-1])


@given(LAUNCHES, LAUNCHES, st.floats(-3, 3))
def test_another_unit_of_time_changes_nothing(
    a: list[list[float]], b: list[list[float]], by: float
) -> None:
    moved = [[[value + by for value in launch] for launch in side] for side in (a, b)]
    # Rounding may separate what was equal, which is why the comparison is not exact.
    assert shift(*moved, comparisons=1).ratio == pytest.approx(shift(a, b, comparisons=1).ratio)


@given(VALUES, VALUES)
def test_more_comparisons_never_narrow_the_interval(a: list[float], b: list[float]) -> None:
    one, three = (shift([a], [b], comparisons=number).interval for number in (1, 3))
    assert one is not None
    if three is not None:
        assert three.half_width >= one.half_width * (1 - 1e-9)


def test_equal_blocks_still_leave_what_launches_differ_by() -> None:
    found = shift([[0.0] * 8] * 3, [[0.0] * 8] * 3, comparisons=1)
    assert found.interval is not None
    # 1.96 x 0.5 % x sqrt(1/3 + 1/3)
    assert found.interval.half_width == pytest.approx(0.008, rel=0.01)


def test_launches_that_disagree_widen_the_interval_more_than_blocks_do() -> None:
    random = Random(1)
    calm = [_sample(random, launch_noise=0.0, noise=0.005) for _ in range(2)]
    apart = [
        [[value + 0.03 * number for value in launch] for number, launch in enumerate(side)]
        for side in calm
    ]
    narrow, wide = (shift(*sides, comparisons=1).interval for sides in (calm, apart))
    assert narrow is not None
    assert wide is not None
    assert wide.half_width > 4 * narrow.half_width


def test_blocks_that_resemble_the_ones_before_widen_the_interval() -> None:
    slowly = _sample(Random(3), launches=1, rounds=40, memory=0.8)
    mixed = [Random(4).sample(slowly[0], 40)]
    wide, narrow = (
        shift(side, side, comparisons=1, launch_floor=0).interval for side in (slowly, mixed)
    )
    assert wide is not None
    assert narrow is not None
    assert wide.half_width > 1.5 * narrow.half_width


COVERAGE = {
    "quiet": {"launch_noise": 0.003},
    "launches differ": {"launch_noise": 0.015},
    "blocks remember": {"launch_noise": 0.006, "memory": 0.5},
}


@pytest.mark.parametrize("case", COVERAGE)
def test_the_interval_covers_the_truth(case: str) -> None:
    random = Random(20)
    inside = 0
    for _ in range(300):
        a, b = (_sample(random, **COVERAGE[case]) for _ in range(2))
        interval = shift(a, b, comparisons=1).interval
        assert interval is not None
        inside += interval.low <= 1 <= interval.high
    assert inside >= 0.92 * 300


def test_a_planted_difference_is_seen() -> None:
    random = Random(21)
    seen = 0
    for _ in range(100):
        a, b = _sample(random), _sample(random)
        slower = [[value + log(1.08) for value in launch] for launch in b]
        interval = shift(a, slower, comparisons=5).interval
        assert interval is not None
        seen += interval.low > 1.02
    assert seen >= 95
