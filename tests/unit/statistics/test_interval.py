from __future__ import annotations

from math import exp

import pytest

from envdoctor.statistics.interval import Interval


def test_an_interval_knows_its_middle_and_its_reach() -> None:
    found = Interval.around(0.05, 0.02)
    assert (found.low, found.high) == pytest.approx((exp(0.03), exp(0.07)))
    assert found.log_ratio == pytest.approx(0.05)
    assert found.half_width == pytest.approx(0.02)
