"""A model trains alike whether its parameters are one variable or many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envdoctor.bench.parity.evidence import full_data
from envdoctor.child.job import Job
from envdoctor.child.setting import Setting

pytest.importorskip("tensorflow")


def train(in_process, prepared, optimizer):
    from envdoctor_tensorflow.trainer import Trainer

    workload = prepared("mlp-tiny")
    subject = in_process(Trainer)
    job = Job(workload.workload, optimizer, Setting("graph", "fp64"))
    subject.build(job, workload.weights(), full_data(workload))
    _, _, gradients = subject.differentiate(0)
    _, losses = subject.steps(range(5))
    return len(subject.trainer._model.variables), gradients, losses, subject.weights()


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_one_variable_and_many_train_alike(in_process, prepared, monkeypatch, kind):
    from envdoctor_tensorflow import model

    optimizer = replace(prepared("mlp-tiny").optimizer, kind=kind, momentum=0.9)
    joined = train(in_process, prepared, optimizer)
    monkeypatch.setattr(model, "MOST_WEIGHTS_IN_A_VECTOR", 0)
    apart = train(in_process, prepared, optimizer)
    assert (joined[0], apart[0]) == (1, 6)
    np.testing.assert_allclose(joined[2], apart[2], rtol=1e-12)
    for one, other in [(joined[1], apart[1]), (joined[3], apart[3])]:
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-14)
