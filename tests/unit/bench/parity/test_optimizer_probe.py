from __future__ import annotations

import pytest

from envdoctor.bench.parity import optimizer_probe
from envdoctor.bench.parity.optimizer_probe import ADAMW, FORMS, OTHER, SGD, SPECIFIED, judge
from envdoctor.child.job import Optimizer

PUBLISHED = {
    # One weight of 1, a gradient of 0.01 at each of two steps, rate 0.1, epsilon 0.1, no decay.
    SPECIFIED: 0.98181818,
    "epsilon-hat (epsilon added before the bias correction, as Keras and TensorFlow do)": 0.99923966,
    "no bias correction (the default of MLX)": 0.99711161,
    "epsilon inside the root": 0.99367860,
}


@pytest.mark.parametrize("form", PUBLISHED)
def test_the_forms_give_the_published_values(form, monkeypatch):
    monkeypatch.setattr(optimizer_probe, "SCRIPT", (0.01, 0.01))
    without_decay = Optimizer("adamw", 0.1, epsilon=0.1, weight_decay=0.0)
    assert list(FORMS["adamw"][form](without_decay))[-1] == pytest.approx(PUBLISHED[form], abs=5e-9)


@pytest.mark.parametrize("optimizer", [ADAMW, SGD], ids=["adamw", "sgd"])
def test_each_form_is_told_from_all_others(optimizer):
    for name, form in FORMS[optimizer.kind].items():
        for tolerance in (1e-12, 1e-6):
            assert judge(list(form(optimizer)), optimizer, tolerance).form == name


def test_an_unknown_form_is_another_form():
    weights = [weight + 1e-3 for weight in FORMS["sgd"][SPECIFIED](SGD)]
    verdict = judge(weights, SGD, 1e-12)
    assert verdict.form == OTHER
    assert verdict.error == pytest.approx(1e-3)
    assert not verdict.conforms


def test_a_weight_that_is_no_number_conforms_to_nothing():
    assert judge([float("nan")] * 5, SGD, 1e-12).form == OTHER


@pytest.mark.parametrize("optimizer", [ADAMW, SGD], ids=["adamw", "sgd"])
def test_the_reference_conforms(optimizer, in_process, numpy_trainer):
    from envdoctor.child.setting import Setting

    setting = Setting("numpy", "fp64")
    assert optimizer_probe.probe(in_process(numpy_trainer), setting, optimizer).conforms
