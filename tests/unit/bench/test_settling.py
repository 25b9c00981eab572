from __future__ import annotations

from math import exp
from random import Random

import pytest

from envdoctor.bench.settling import MOST_BLOCKS, SHORT_SECONDS, settle
from envdoctor.statistics.steady import ENOUGH, LATEST

STEP = 1e-3
LONG = 60.0


class Row:
    """Takes steps that last as the function says of each block; notes the steps of all blocks."""

    def __init__(self, seconds, compilations=lambda number: None):
        self.seconds, self.compilations = seconds, compilations
        self.asked = []

    def __call__(self, steps):
        number = len(self.asked)
        self.asked.append(steps)
        wall_ns = round(steps * self.seconds(number) * 1e9)
        return {"wall_ns": wall_ns, "compilations": self.compilations(number)}


def test_a_steady_row_is_left_as_soon_as_the_rule_can_be_met():
    row = Row(lambda number: STEP)
    found = settle(row, [STEP] * 20, LONG)
    assert found.steady
    assert found.step_seconds == pytest.approx([STEP] * LATEST)
    assert found.latest_step_seconds == pytest.approx(STEP)


@pytest.mark.parametrize("seed", range(5))
def test_a_row_that_is_only_noisy_is_not_watched_for_long(seed):
    random = Random(seed)
    row = Row(lambda number: STEP * exp(random.gauss(0, 0.2)))
    found = settle(row, [STEP] * 20, LONG)
    assert found.steady
    assert len(row.asked) <= 3 * ENOUGH


def test_a_row_that_warms_up_is_watched_until_it_has():
    row = Row(lambda number: STEP * (1 + 2 * 0.9**number))
    found = settle(row, [STEP] * 20, LONG)
    assert found.steady
    assert found.latest_step_seconds < 1.1 * STEP


def test_a_row_that_never_ends_to_drift_is_left_after_the_most_blocks():
    row = Row(lambda number: STEP * 0.99**number)
    found = settle(row, [STEP] * 20, LONG)
    assert not found.steady
    assert len(row.asked) == MOST_BLOCKS


def test_without_time_there_are_two_blocks():
    found = settle(Row(lambda number: STEP * 0.5**number), [STEP] * 20, 0.0)
    assert len(found.step_seconds) == 2
    assert found.steady  # two blocks are too few to accuse anybody


def test_what_compiles_with_every_block_is_not_steady():
    row = Row(lambda number: STEP, compilations=lambda number: number)
    found = settle(row, [STEP] * 20, 0.0)
    assert found.steady
    row = Row(lambda number: STEP, compilations=lambda number: number)
    found = settle(row, [STEP] * 20, LONG)
    assert not found.steady
    assert found.compilations == MOST_BLOCKS - 1


def test_a_last_compilation_is_waited_for():
    row = Row(lambda number: STEP, compilations=lambda number: min(number, 3))
    found = settle(row, [STEP] * 20, LONG)
    assert found.steady
    assert len(row.asked) == 3 + LATEST


def test_blocks_that_turn_out_short_are_made_longer():
    row = Row(lambda number: STEP)
    settle(row, [10 * STEP] * 20, LONG)
    assert row.asked[0] == round(SHORT_SECONDS / (10 * STEP))
    assert row.asked[-1] == pytest.approx(SHORT_SECONDS / STEP)


def test_steps_as_long_as_a_short_block_are_short_blocks():
    row = Row(lambda number: 100 * STEP)
    found = settle(row, [9.0, 1.0, *[100 * STEP] * 18], LONG)
    assert found.steady
    assert row.asked == [1]
    assert found.step_seconds == pytest.approx([100 * STEP])


def test_a_first_step_that_compiles_is_no_short_block():
    row = Row(lambda number: 100 * STEP)
    found = settle(row, [9.0, 1.0], LONG)
    assert found.latest_step_seconds == pytest.approx(100 * STEP)
    assert len(row.asked) == LATEST
