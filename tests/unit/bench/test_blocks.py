from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.bench.blocks import (
    FEWEST_STEPS,
    LONG_STEP_SECONDS,
    LONGEST_BLOCK_SECONDS,
    block_steps,
    next_steps,
    record_memory,
)
from envdoctor.bench.worker import Loaded


@given(st.floats(0, 100), st.floats(0.01, 1.5))
def test_a_block_is_long_enough_for_the_clock_and_short_enough_for_the_patient(
    step: float, wanted: float
) -> None:
    steps = block_steps(step, wanted)
    assert steps >= 1
    if steps > 1:
        assert steps * max(step, 1e-7) <= LONGEST_BLOCK_SECONDS * (1 + 1e-9)
    if step < LONG_STEP_SECONDS:
        assert steps >= FEWEST_STEPS
    if step <= LONGEST_BLOCK_SECONDS:
        shortest = min(wanted, LONGEST_BLOCK_SECONDS - step)
        assert steps * max(step, 1e-7) >= shortest * (1 - 1e-9)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.01, 1.5))
def test_a_slower_step_never_makes_a_longer_block(one: float, other: float, wanted: float) -> None:
    fast, slow = sorted((one, other))
    assert block_steps(slow, wanted) <= block_steps(fast, wanted)


@pytest.mark.parametrize(
    ("steps", "seconds", "then"),
    [(4, 0.15, 4), (4, 0.08, 4), (4, 0.012, 50), (4, 0.5, 4), (1, 0.0, 1_500_000)],
)
def test_a_block_that_was_far_too_short_makes_the_next_one_longer(
    steps: int, seconds: float, then: int
) -> None:
    assert next_steps(steps, seconds, 0.15) == then


@pytest.mark.parametrize(("step", "steps"), [(0.001, 200), (0.1, 2), (0.3, 1), (30.0, 1)])
def test_blocks_of_a_fifth_of_a_second(step: float, steps: int) -> None:
    assert block_steps(step, 0.2) == steps


def test_only_a_long_step_is_a_block_by_itself() -> None:
    assert block_steps(0.049, 0.015) == FEWEST_STEPS
    assert block_steps(LONG_STEP_SECONDS, 0.015) == 1


LOADED = Loaded(
    start_seconds=0.1,
    import_seconds=1.0,
    device_init_seconds=0.0,
    version="1.0",
    versions={},
    bare_bytes=10,
    footprint_bytes=100,
    peak_bytes=150,
)
BUILT = {
    "memory": {"resident_bytes": 110, "peak_bytes": 120},
    "compile_peak": {"resident_bytes": 300, "peak_bytes": 400},
}
AFTER = {
    "host": {"resident_bytes": 180, "peak_bytes": 200},
    "device_peak_bytes": 7,
    "device_reserved_bytes": 9,
}


def test_what_a_model_costs_is_counted_from_before_it_was_built() -> None:
    found = record_memory(LOADED, BUILT, AFTER)
    assert found is not None
    assert found.footprint_bytes == 100
    assert found.working_set_bytes == 200 - 110
    assert found.compile_peak_bytes == 400 - 110
    assert found.steady_peak_bytes == 200
    assert found.peak_bytes == 400
    assert (found.device_peak_bytes, found.device_reserved_bytes) == (7, 9)


def test_what_an_earlier_model_of_the_process_took_for_good_is_this_ones_cost_too() -> None:
    alone, later = record_memory(LOADED, BUILT, AFTER), record_memory(LOADED, BUILT, AFTER, 30)
    assert alone is not None
    assert later is not None
    assert later.working_set_bytes == alone.working_set_bytes + 30
    assert later.compile_peak_bytes == 400 - 110 + 30
    assert later.peak_bytes == alone.peak_bytes


def test_the_highest_peak_may_be_that_of_the_import() -> None:
    found = record_memory(replace(LOADED, peak_bytes=5000), BUILT, AFTER)
    assert found is not None
    assert found.peak_bytes == 5000


def test_memory_that_shrank_costs_nothing_rather_than_less() -> None:
    low = {"resident_bytes": 50, "peak_bytes": 60}
    found = record_memory(LOADED, {**BUILT, "compile_peak": low}, {**AFTER, "host": low})
    assert found is not None
    assert (found.working_set_bytes, found.compile_peak_bytes) == (0, 0)


def test_memory_that_cannot_be_read_is_not_made_up() -> None:
    assert record_memory(replace(LOADED, footprint_bytes=None), BUILT, AFTER) is None
    assert record_memory(LOADED, {**BUILT, "memory": None}, AFTER) is None
    assert record_memory(LOADED, {**BUILT, "compile_peak": None}, AFTER) is None
    assert record_memory(LOADED, BUILT, {**AFTER, "host": None}) is None
