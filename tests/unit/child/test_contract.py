from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envdoctor.child.contract import Data, Setting, Unsupported, evaluation_slices, float_type

PATIENT = settings(deadline=None, max_examples=50)  # a busy machine is not a failure


@PATIENT
@given(samples=st.integers(1, 500), batch=st.integers(1, 200))
def test_slices_keep_each_row_once_and_in_order(samples, batch):
    rows = np.arange(samples)
    kept = [rows[read][keep] for read, keep in evaluation_slices(samples, batch)]
    np.testing.assert_array_equal(np.concatenate(kept), rows)


@PATIENT
@given(samples=st.integers(1, 500), batch=st.integers(1, 200))
def test_slices_have_one_size(samples, batch):
    sizes = {read.stop - read.start for read, _ in evaluation_slices(samples, batch)}
    assert sizes == {min(samples, batch)}


@PATIENT
@given(samples=st.integers(1, 500), batch=st.integers(1, 200))
def test_there_are_no_more_slices_than_are_needed(samples, batch):
    assert len(list(evaluation_slices(samples, batch))) == -(-samples // batch)


def test_nothing_is_cut_into_nothing():
    assert list(evaluation_slices(0, 8)) == []


def test_each_precision_has_its_type():
    assert float_type(Setting("any", "fp32")) is np.float32
    assert float_type(Setting("any", "fp64")) is np.float64


def test_another_precision_is_unsupported():
    with pytest.raises(Unsupported, match="precision fp7 is not available"):
        float_type(Setting("any", "fp7"))


def test_data_gives_the_inputs_of_a_split():
    train, test = np.zeros((3, 2)), np.zeros((1, 2))
    data = Data(train, np.zeros(3), test, np.zeros(1), np.zeros((1, 2), np.int32))
    assert data.inputs("train") is train
    assert data.inputs("test") is test
    with pytest.raises(KeyError):
        data.inputs("validation")
