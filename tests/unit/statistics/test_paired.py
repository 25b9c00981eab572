from __future__ import annotations

from math import exp, inf, log, nan, sqrt
from random import Random
from statistics import NormalDist, stdev, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.errors import InputError
from envdoctor.statistics.paired import Comparison, compare, least_rounds
from envdoctor.statistics.signed_rank import estimate, hodges_lehmann

Z = NormalDist().inv_cdf(0.975)
Times = list[list[float]]


def _times(
    launches: int, rounds: int, seed: int, ratio: float = 1.0, noise: float = 0.015
) -> Times:
    random = Random(seed)
    return [
        [ratio * 0.002 * exp(random.gauss(0, noise)) for _ in range(rounds)]
        for _ in range(launches)
    ]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Times, Times]:
    seconds = st.floats(1e-6, 10)
    shape = draw(st.lists(st.integers(1, 8), min_size=1, max_size=4))
    sides = [[draw(st.lists(seconds, min_size=n, max_size=n)) for n in shape] for _ in range(2)]
    return sides[0], sides[1]


def _ends(found: Comparison) -> tuple[float, float] | None:
    return None if found.interval is None else (found.interval.low, found.interval.high)


@given(pairs())
def test_changing_sides_inverts_the_ratio(sides: tuple[Times, Times]) -> None:
    there = compare(*sides, comparisons=1)
    back = compare(sides[1], sides[0], comparisons=1)
    assert back.ratio == pytest.approx(1 / there.ratio)
    if there.interval is not None:
        assert _ends(back) == pytest.approx((1 / there.interval.high, 1 / there.interval.low))
    assert back.autocorrelated == there.autocorrelated
    assert (back.drift is None) == (there.drift is None)


@given(pairs(), st.sampled_from([0.125, 2.0, 1024.0]))
def test_the_unit_of_time_does_not_matter(sides: tuple[Times, Times], factor: float) -> None:
    scaled = [[[factor * t for t in launch] for launch in side] for side in sides]
    assert compare(*scaled, comparisons=2) == compare(*sides, comparisons=2)


@given(pairs(), st.lists(st.floats(0.1, 10), min_size=8, max_size=8))
def test_what_slows_a_whole_round_does_not_matter(
    sides: tuple[Times, Times], load: list[float]
) -> None:
    loaded = [
        [[t * f for t, f in zip(launch, load, strict=False)] for launch in side] for side in sides
    ]
    assert compare(*loaded, comparisons=1).ratio == pytest.approx(
        compare(*sides, comparisons=1).ratio
    )


@given(pairs(), st.integers(1, 20))
def test_more_comparisons_never_narrow_the_interval(
    sides: tuple[Times, Times], comparisons: int
) -> None:
    alone = compare(*sides, comparisons=1)
    among = compare(*sides, comparisons=comparisons)
    assert among.ratio == alone.ratio
    if among.half_width is not None:
        assert alone.half_width is not None
        assert among.half_width >= alone.half_width - 1e-12


@given(pairs())
def test_the_ratio_lies_in_its_interval_and_among_the_pairs(sides: tuple[Times, Times]) -> None:
    found = compare(*sides, comparisons=1)
    ratios = [a / b for x, y in zip(*sides, strict=True) for a, b in zip(x, y, strict=True)]
    assert min(ratios) * (1 - 1e-9) <= found.ratio <= max(ratios) * (1 + 1e-9)
    assert found.rounds == len(ratios)
    assert found.launches == len(sides[0])
    if found.interval is not None:
        assert found.interval.low <= found.ratio <= found.interval.high


def test_the_interval_is_as_by_hand() -> None:
    times, reference = _times(3, 10, seed=3), _times(3, 10, seed=4)
    # Launches that differ, so that the floor is not what counts.
    times = [[t * (1 + 0.05 * n) for t in launch] for n, launch in enumerate(times)]
    sides = zip(times, reference, strict=True)
    logs = [[log(a / b) for a, b in zip(*side, strict=True)] for side in sides]
    pooled = [x for launch in logs for x in launch]
    within = estimate(pooled, 0.95).half_width
    between = variance([hodges_lehmann(x) for x in logs]) - 3 * (within / Z) ** 2
    assert between > 0.005**2
    found = compare(times, reference, comparisons=1)
    assert not found.autocorrelated
    assert found.half_width == pytest.approx(sqrt(within**2 + Z**2 * between / 3))
    assert found.pair_deviation == pytest.approx(stdev(pooled))


@pytest.mark.parametrize("launches", [1, 4])
def test_equal_pairs_leave_the_floor(launches: int) -> None:
    times = _times(launches, 8, seed=1)
    found = compare(times, times, comparisons=1, launch_floor=0.01)
    assert found.ratio == 1.0
    assert found.half_width == pytest.approx(Z * 0.01 / sqrt(launches))
    assert found.autocorrelation is None
    assert found.drift is None


def test_rounds_that_resemble_each_other_widen_the_interval() -> None:
    waves = [[0.002 * (1.03 if round_ % 10 < 5 else 0.97) for round_ in range(20)]]
    flat = [[0.002] * 20]
    shuffled = [Random(1).sample(waves[0], 20)]
    found, other = (compare(t, flat, comparisons=1, launch_floor=0) for t in (waves, shuffled))
    assert found.autocorrelated
    assert not other.autocorrelated
    assert found.autocorrelation is not None
    factor = sqrt((1 + found.autocorrelation) / (1 - found.autocorrelation))
    assert found.half_width == pytest.approx(factor * (other.half_width or 0))


@pytest.mark.parametrize(("comparisons", "least"), [(1, 6), (3, 7), (4, 8)])
def test_too_few_rounds_have_no_interval_and_no_verdict(comparisons: int, least: int) -> None:
    assert least_rounds(comparisons) == least
    few = compare(
        _times(1, least - 1, 1, ratio=3.0), _times(1, least - 1, 2), comparisons=comparisons
    )
    assert few.interval is None
    assert few.half_width is None
    assert few.verdict == "inconclusive"
    assert few.least_rounds == least
    assert few.ratio == pytest.approx(3.0, rel=0.05)
    enough = compare(_times(1, least, 1, ratio=3.0), _times(1, least, 2), comparisons=comparisons)
    assert enough.verdict == "slower"


def test_one_pair_has_a_ratio_and_nothing_else() -> None:
    found = compare([[3.0]], [[2.0]], comparisons=1)
    assert found.ratio == pytest.approx(1.5)
    assert (found.interval, found.pair_deviation, found.autocorrelation) == (None, None, None)


def test_a_ratio_that_wanders_is_told() -> None:
    drifting = [[0.002 * (1 + 0.01 * number) for number in range(20)]]
    found = compare(drifting, [[0.002] * 20], comparisons=1)
    assert found.drift is not None
    assert found.drift.first_ratio < found.drift.second_ratio


@pytest.mark.parametrize(
    ("times", "reference"),
    [
        ([], []),
        ([[]], [[]]),
        ([[1.0], []], [[1.0], []]),
        ([[1.0]], [[1.0], [1.0]]),
        ([[1.0, 2.0]], [[1.0]]),
        ([[0.0]], [[1.0]]),
        ([[1.0]], [[-1.0]]),
        ([[nan]], [[1.0]]),
        ([[1.0]], [[inf]]),
    ],
)
def test_rounds_that_cannot_be_compared_are_refused(times: Times, reference: Times) -> None:
    with pytest.raises(InputError) as raised:
        compare(times, reference, comparisons=1)
    assert raised.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"comparisons": 0},
        {"margin": -0.01},
        {"margin": nan},
        {"launch_floor": -1.0},
        {"launch_floor": inf},
        {"confidence": 1.0},
        {"confidence": 0.0},
        {"confidence": nan},
    ],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        compare([[1.0]], [[1.0]], **{"comparisons": 1, **wrong})
