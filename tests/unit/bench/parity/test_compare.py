from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.bench.parity.compare import (
    G32,
    G64,
    compare,
    loss_error,
    relative_error,
    within_reference,
)
from envdoctor.bench.parity.evidence import Evidence


def evidence(scale=1.0, losses=(1.0, 0.5)):
    gradients = {"a": np.full((2, 3), scale), "zero": np.zeros(4)}
    return Evidence(1.0, np.ones((2, 2)) * scale, gradients, losses)


def test_equal_evidence_meets_every_tier():
    comparison = compare(evidence(), evidence(), G64)
    assert comparison.meets(G64)
    assert comparison.output_error == comparison.loss_error == 0


def test_a_difference_is_relative_to_the_oracle():
    comparison = compare(evidence(1 + 1e-6), evidence(), G64)
    assert comparison.output_error == pytest.approx(1e-6)
    assert comparison.worst_gradient == ("a", pytest.approx(1e-6))
    assert comparison.meets(G32)
    assert not comparison.meets(G64)


def test_rounding_in_a_gradient_that_should_be_zero_is_forgiven():
    found = evidence()
    found.gradients["zero"][:] = 1e-22
    assert compare(found, evidence(), G64).meets(G64)
    found.gradients["zero"][:] = 1e-9
    assert not compare(found, evidence(), G64).meets(G64)


@pytest.mark.parametrize(
    "found",
    [None, np.zeros(3), np.array([1.0, np.nan]), np.array([1.0, np.inf])],
    ids=["missing", "shape", "nan", "inf"],
)
def test_what_cannot_be_compared_is_infinitely_wrong(found):
    assert relative_error(found, np.array([1.0, 2.0])) == inf


def test_a_trajectory_that_stops_early_is_infinitely_wrong():
    assert loss_error([1.0], [1.0, 0.5]) == inf
    assert loss_error([1.0, float("nan")], [1.0, 0.5]) == inf
    assert loss_error([], []) == 0


def test_only_the_steps_of_the_tier_are_compared():
    drifting = evidence(losses=[1.0] * 10 + [2.0] * 10)
    steady = evidence(losses=[1.0] * 20)
    assert compare(drifting, steady, G32).meets(G32)
    assert not compare(drifting, steady, G64).meets(G64)


@given(st.floats(0, 1), st.floats(0, 1))
def test_float32_may_be_as_far_off_as_the_reference_thrice(error, reference):
    allowed = error <= 1e-4 or error <= 3 * reference + 1e-6
    assert within_reference(error, reference, G32) == allowed
