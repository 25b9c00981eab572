from __future__ import annotations

import pytest

from envdoctor.statistics.student import student_quantile

# Fisher's table, two-sided 5 % and 1 %.
TABLE = {1: (12.706, 63.657), 2: (4.303, 9.925), 4: (2.776, 4.604), 10: (2.228, 3.169)}


@pytest.mark.parametrize("freedom", TABLE)
def test_the_quantiles_are_those_of_the_table(freedom: int) -> None:
    found = (student_quantile(0.975, freedom), student_quantile(0.995, freedom))
    assert found == pytest.approx(TABLE[freedom], abs=6e-4)


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.975, 0.9999])
@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 8, 31, 100])
def test_the_quantiles_are_those_of_scipy(probability: float, freedom: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    wanted = stats.t.ppf(probability, freedom)
    assert student_quantile(probability, freedom) == pytest.approx(wanted, rel=1e-8, abs=1e-12)
