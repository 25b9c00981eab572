from __future__ import annotations

from dataclasses import replace

import pytest

from envdoctor.bench.parity.evidence import PARITY_OPTIMIZER, parity_task
from envdoctor.plugins import load_plugins
from envdoctor.workload.prepare import prepare


@pytest.fixture(scope="module")
def shipped():
    plugins = load_plugins(strangers=False)
    paths = {file.name: file.path for file in plugins.workload_files()}
    return lambda name: prepare(paths[name], plugins.data_sets(), seed=0)


def test_classes_are_learned_at_the_rate_of_the_gate(shipped):
    assert parity_task(shipped("mlp-tiny")).optimizer == PARITY_OPTIMIZER


@pytest.mark.parametrize(("size", "share"), [(0.5, 1.0), (200.0, 1 / 200.0)])
def test_large_targets_get_a_small_rate_for_squared_errors(shipped, size, share):
    workload = shipped("regressor-tiny")
    samples = workload.samples
    targets = samples.train_targets * 0 + size
    scaled = replace(workload, samples=replace(samples, train_targets=targets))
    found = parity_task(scaled).optimizer.learning_rate
    assert found == pytest.approx(PARITY_OPTIMIZER.learning_rate * share)
