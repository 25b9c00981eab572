from __future__ import annotations

from fractions import Fraction
from math import comb
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.model.cell import Block, Launch, Phases
from envdoctor.statistics.blocks import (
    cpu_share,
    median_interval,
    summarise,
    warmup_debt_seconds,
)


def _block(wall_ns: int, steps: int = 10, cpu_ns: int = 0) -> Block:
    return Block(launch=0, round=0, position=0, steps=steps, wall_ns=wall_ns, cpu_ns=cpu_ns)


def _launch(*warmup_ns: int) -> Launch:
    phases = Phases(
        start_seconds=0.0,
        import_seconds=0.0,
        device_init_seconds=0.0,
        build_seconds=0.0,
        stage_seconds=0.0,
        first_step_seconds=0.0,
    )
    return Launch(launch=0, phases=phases, caches="cold", alone=True, warmup_ns=warmup_ns)


def _coverage(count: int, low: int, high: int) -> Fraction:
    """The chance that the median lies between two order statistics: exact, by the binomial."""
    return Fraction(sum(comb(count, below) for below in range(low + 1, high + 1)), 2**count)


@pytest.mark.parametrize("count", [*range(6, 41), 100, 101, 500])
def test_the_interval_is_the_narrowest_that_is_sure_enough(count: int) -> None:
    low, high = median_interval(count)
    assert low + high == count - 1
    assert _coverage(count, low, high) >= Fraction(95, 100)
    assert _coverage(count, low + 1, high - 1) < Fraction(95, 100)


@pytest.mark.parametrize("count", range(1, 6))
def test_few_values_give_their_whole_range(count: int) -> None:
    assert median_interval(count) == (0, count - 1)


@given(st.integers(6, 120), st.floats(0.5, 0.999))
def test_more_confidence_never_narrows_the_interval(count: int, confidence: float) -> None:
    low, high = median_interval(count, confidence)
    wider_low, wider_high = median_interval(count, (1 + confidence) / 2)
    assert wider_low <= low <= high <= wider_high


BLOCKS = st.lists(
    st.builds(_block, wall_ns=st.integers(1, 10**12), steps=st.integers(1, 10**5)),
    min_size=1,
    max_size=30,
)


@given(BLOCKS)
def test_the_median_lies_in_its_interval_and_both_in_the_blocks(blocks: list[Block]) -> None:
    found = summarise(blocks)
    assert found is not None
    seconds = [block.wall_ns * 1e-9 / block.steps for block in blocks]
    assert found.seconds == median(seconds)
    assert min(seconds) <= found.low_seconds <= found.seconds <= found.high_seconds <= max(seconds)
    assert found.spread >= 0


@given(BLOCKS, st.randoms())
def test_the_order_of_blocks_does_not_matter(blocks: list[Block], random: Random) -> None:
    shuffled = list(blocks)
    random.shuffle(shuffled)
    assert summarise(shuffled) == summarise(blocks)


def test_ten_blocks_are_summarised_as_by_hand() -> None:
    found = summarise([_block(wall_ns=1_000_000 * n, steps=10) for n in range(1, 11)])
    assert found is not None
    # The second and the ninth of ten: 1 - 2 * (1 + 10) / 1024 = 97.9 %.
    assert (found.low_seconds, found.high_seconds) == pytest.approx((2e-4, 9e-4))
    assert found.seconds == pytest.approx(5.5e-4)
    assert found.spread == pytest.approx(3.5 / 5.5)


def test_no_blocks_have_no_step_time() -> None:
    assert summarise([]) is None
    assert cpu_share([]) is None


def test_the_warm_up_costs_what_steady_steps_would_not_have() -> None:
    launch = _launch(500_000_000, 1_000_000, 2_000_000)
    assert warmup_debt_seconds(launch, step_seconds=1e-3) == pytest.approx(0.5)


def test_a_warm_up_is_never_a_gain() -> None:
    assert warmup_debt_seconds(_launch(1, 1), step_seconds=1e-3) == 0.0


def test_a_warm_up_of_no_steps_costs_nothing() -> None:
    assert warmup_debt_seconds(_launch(), step_seconds=1e-3) == 0.0


def test_cpu_time_is_told_per_second_of_wall_time() -> None:
    assert cpu_share([_block(100, cpu_ns=150), _block(300, cpu_ns=450)]) == 1.5
