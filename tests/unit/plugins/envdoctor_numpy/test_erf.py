"""The error function against the standard library."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from envdoctor_numpy.erf import erf


def test_erf_is_exact_to_a_few_units_in_the_last_place():
    x = np.concatenate([np.linspace(-7, 7, 20_001), [0.46875, -0.46875, 4.0, 1e-300, 0.0]])
    expected = np.array([math.erf(value) for value in x])
    error = np.abs(erf(x, out=np.empty_like(x)) - expected)
    assert error.max() < 5e-16
    assert (error <= 5 * np.spacing(np.abs(expected))).all()


@given(st.floats(allow_nan=False))
def test_erf_of_anything(value):
    assert abs(erf(np.array([value]), out=np.empty(1))[0] - math.erf(value)) < 5e-16


def test_erf_in_single_precision_in_place():
    x = np.linspace(-5, 5, 1001, dtype=np.float32)
    expected = [math.erf(value) for value in x]
    assert erf(x, out=x) is x
    np.testing.assert_allclose(x, expected, atol=4e-7)
