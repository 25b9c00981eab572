from __future__ import annotations

from math import exp, log

import pytest

from envdoctor.model.cell import Row
from envdoctor.statistics.paired import compare
from envdoctor.statistics.resolution import resolution
from envdoctor.statistics.signed_rank import least_values

ROW = Row(backend="numpy", mode="numpy")


def _twin(log_ratio: float, floor: float):
    """A comparison of one launch whose half width comes from the floor alone."""
    times = [[exp(log_ratio)] * 10]
    return compare(times, [[1.0] * 10], comparisons=1, launch_floor=floor / 1.959964)


@pytest.mark.parametrize(
    ("half_width", "grade"),
    [(0.0099, "A"), (0.0101, "B"), (0.0199, "B"), (0.0201, "C"), (0.0499, "C"), (0.0501, "D")],
)
def test_the_width_of_the_twin_gives_the_grade(half_width: float, grade: str) -> None:
    found = resolution(ROW, _twin(0.0, half_width))
    assert found is not None
    assert found.grade == grade
    assert found.half_width == pytest.approx(half_width)


@pytest.mark.parametrize("sign", [1, -1])
def test_equal_things_that_differ_in_earnest_are_a_d(sign: int) -> None:
    healthy = resolution(ROW, _twin(sign * 0.0129, 0.008))
    broken = resolution(ROW, _twin(sign * 0.0131, 0.008))
    assert healthy is not None
    assert broken is not None
    assert (healthy.grade, broken.grade) == ("A", "D")
    assert (healthy.biased, broken.biased) == (False, True)


def test_the_smallest_difference_is_twice_the_half_width() -> None:
    found = resolution(ROW, _twin(0.004, 0.009))
    assert found is not None
    assert found.smallest_difference == pytest.approx(0.0182, abs=2e-4)


def test_a_bias_of_equal_things_hides_as_much_as_it_reaches() -> None:
    found = resolution(ROW, _twin(log(1.2), 0.01))
    assert found is not None
    assert found.smallest_difference == pytest.approx(1.2 * exp(0.01) - 1)


@pytest.mark.parametrize(
    ("half_width", "asked", "margin"),
    [
        (0.009, 0.02, 0.02),
        (0.04, 0.02, exp(0.04) - 1),
        (0.04, 0.06, 0.06),
        (0.06, 0.02, exp(0.12) - 1),
        (0.06, 0.2, 0.2),
    ],
)
def test_a_difference_must_exceed_what_chance_does(
    half_width: float, asked: float, margin: float
) -> None:
    found = resolution(ROW, _twin(0.0, half_width))
    assert found is not None
    assert not found.biased
    assert found.margin(asked) == pytest.approx(margin)


def test_too_few_rounds_resolve_nothing() -> None:
    rounds = least_values(0.95) - 1
    assert resolution(ROW, compare([[1.0] * rounds], [[1.0] * rounds], comparisons=1)) is None
