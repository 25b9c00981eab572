from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.statistics.folds import paired, spread

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20)


def test_mean_and_spread_are_those_worked_out_by_hand() -> None:
    found = spread((0.9, 0.8, 1.0))
    assert found.mean == pytest.approx(0.9)
    assert found.deviation == pytest.approx(0.1)  # (0.01 + 0.01) / 2 = 0.1 squared


def test_what_both_rows_share_cancels_in_their_differences() -> None:
    found = paired((0.91, 0.73, 0.82), (0.90, 0.70, 0.80))
    assert found.mean == pytest.approx(0.02)
    assert found.deviation == pytest.approx(0.01)


@given(VALUES)
def test_a_row_differs_by_nothing_from_itself(values: list[float]) -> None:
    found = paired(values, values)
    assert (found.mean, found.deviation) == (0, 0)


def test_rows_with_different_folds_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="longer"):
        paired((0.9, 0.8), (0.9, 0.8, 0.7))
