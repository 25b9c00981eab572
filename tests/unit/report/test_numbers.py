from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.report import numbers

MAGNITUDES = st.floats(-9, 12).map(lambda power: 10**power)


@given(value=MAGNITUDES, digits=st.integers(1, 6), sign=st.sampled_from([1, -1]))
def test_a_number_keeps_its_digits_and_has_no_exponent(
    value: float, digits: int, sign: int
) -> None:
    text = numbers.significant(sign * value, digits)
    assert re.fullmatch(r"-?[\d,]+(\.\d+)?", text)
    shown = float(text.replace(",", ""))
    assert shown == pytest.approx(sign * value, rel=0.501 * 10 ** (1 - digits))
    significant = text.lstrip("-").replace(",", "").replace(".", "").lstrip("0")
    assert len(significant) >= digits
    # More digits than were asked for are zeros that hold the place.
    assert set(significant[digits:]) <= {"0"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (1, "1.00"),
        (9.996, "10.0"),
        (9.994, "9.99"),
        (99.95, "100"),
        (999.6, "1,000"),
        (0.09996, "0.100"),
        (412_903.2, "413,000"),
        (1_729_729.7, "1,730,000"),
        (5e-324, None),
        (1.7e308, None),
    ],
)
def test_numbers_for_people(value: float, text: str | None) -> None:
    shown = numbers.significant(value)
    assert text is None or shown == text
    assert "e" not in shown


@given(MAGNITUDES)
def test_a_time_has_the_unit_that_fits(seconds: float) -> None:
    number, unit = numbers.duration(seconds).split(" ")
    scale = {"us": 1e-6, "ms": 1e-3, "s": 1.0}[unit]
    assert float(number.replace(",", "")) * scale == pytest.approx(seconds, rel=0.006)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 us"), (3.7e-5, "37.0 us"), (1.55e-4, "0.155 ms"), (0.0421, "42.1 ms"), (1.9, "1.90 s")],
)
def test_times_for_people(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


@given(st.integers(0, 10**15))
def test_bytes_have_the_unit_that_fits(count: int) -> None:
    number, unit = numbers.size(count).split(" ")
    scale = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    assert float(number.replace(",", "")) * scale == pytest.approx(count, rel=0.006)


@given(st.floats(0, 10))
def test_a_share_is_told_in_percent(share: float) -> None:
    text = numbers.percent(share)
    assert re.fullmatch(r"\d+(\.\d)? %", text)
    assert float(text[:-2]) == pytest.approx(share * 100, abs=0.5)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (4.4e-16, "4e-16"), (1.2e-3, "1e-3"), (0.5, "5e-1")]
)
def test_a_relative_error_is_told_by_its_size(value: float, text: str) -> None:
    assert numbers.error(value) == text


@given(st.floats(0, 1e6))
def test_a_time_left_is_minutes_and_seconds(seconds: float) -> None:
    minutes, rest = numbers.clock(seconds).split(":")
    assert len(rest) == 2
    assert int(rest) < 60
    assert int(minutes) * 60 + int(rest) == pytest.approx(seconds, abs=0.5)


def test_a_time_left_is_never_negative() -> None:
    assert numbers.clock(-3.0) == "0:00"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (138_752, "139 k"), (18_200_000_000, "18.2 G"), (3 * 10**14, "300 T")],
)
def test_operations_have_the_unit_that_fits(count: int, text: str) -> None:
    assert numbers.flops(count) == text
