from __future__ import annotations

import json
from dataclasses import fields
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envdoctor.child import layers
from envdoctor.child.job import Job, Optimizer, Variation, Workload
from envdoctor.child.setting import Setting

PATIENT = settings(deadline=None, max_examples=50)  # a busy machine is not a failure

SHAPES = st.lists(st.integers(1, 10_000), max_size=3).map(tuple)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
BY_TYPE = {
    str: st.text(max_size=8),
    int: st.integers(0, 2**40),
    bool: st.booleans(),
    float: NUMBERS,
    layers.Shape: SHAPES,
}


def a(record):
    hints = get_type_hints(record)
    return st.builds(record, **{field.name: BY_TYPE[hints[field.name]] for field in fields(record)})


LAYERS = st.sampled_from(sorted(layers.KINDS)).flatmap(lambda kind: a(layers.KINDS[kind]))
JOBS = st.builds(
    Job,
    workload=st.builds(
        Workload,
        name=BY_TYPE[str],
        layers=st.lists(LAYERS, max_size=3).map(tuple),
        loss=BY_TYPE[str],
        batch=BY_TYPE[int],
        input_shape=SHAPES,
        symbols=st.none() | BY_TYPE[int],
    ),
    optimizer=a(Optimizer),
    setting=a(Setting),
    variation=st.none() | a(Variation),
)


@PATIENT
@given(JOBS)
def test_a_job_survives_the_way_to_the_worker(job):
    assert Job.from_json(json.loads(json.dumps(job.to_json(), allow_nan=False))) == job


@PATIENT
@given(LAYERS)
def test_a_layer_survives_with_its_kind(layer):
    back = layers.from_json(json.loads(json.dumps(layers.to_json(layer))))
    assert back == layer
    assert type(back) is type(layer)
    assert hash(back) == hash(layer)


def test_every_kind_has_a_name_of_its_own():
    assert len(layers.KINDS) == len(layers.Layer.__args__)
    assert all(kind == record.kind for kind, record in layers.KINDS.items())


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"kind": "convolution"}, KeyError),
        ({"name": "dense"}, KeyError),
        ({"kind": "flatten", "input_shape": [1], "output_shape": [1]}, TypeError),
    ],
)
def test_what_is_no_layer_is_refused(value, error):
    with pytest.raises(error):
        layers.from_json(value)
