from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.bench.blocks import FEWEST_STEPS, LONGEST_BLOCK_SECONDS, block_steps


@given(st.floats(0, 100), st.floats(0.01, 1.5))
def test_a_block_is_long_enough_for_the_clock_and_short_enough_for_the_patient(
    step: float, wanted: float
) -> None:
    steps = block_steps(step, wanted)
    assert steps >= 1
    if steps > 1:
        assert steps * max(step, 1e-7) <= LONGEST_BLOCK_SECONDS * (1 + 1e-9)
    if step * FEWEST_STEPS <= LONGEST_BLOCK_SECONDS:
        assert steps >= FEWEST_STEPS
        shortest = min(wanted, LONGEST_BLOCK_SECONDS - step)
        assert steps * max(step, 1e-7) >= shortest * (1 - 1e-9)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.01, 1.5))
def test_a_slower_step_never_makes_a_longer_block(one: float, other: float, wanted: float) -> None:
    fast, slow = sorted((one, other))
    assert block_steps(slow, wanted) <= block_steps(fast, wanted)


@pytest.mark.parametrize(("step", "steps"), [(0.001, 200), (0.1, 5), (0.5, 4), (1.5, 1), (30.0, 1)])
def test_blocks_of_a_fifth_of_a_second(step: float, steps: int) -> None:
    assert block_steps(step, 0.2) == steps
