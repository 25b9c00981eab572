"""The frameworks that are installed here, exercised on the CPU."""

from __future__ import annotations

import sys
from importlib import metadata, util

import numpy as np
import pytest

from envdoctor.checks.probe_causes import explain
from envdoctor.diagnosis.probing import run_probes
from envdoctor.model.environment import Distribution, Environment, Interpreter
from envdoctor.plugins import load_plugins

STEPS = ["import", "devices", "use", "allocate", "matmul", "convolution", "attention", "gradient"]


def environment() -> Environment:
    names = {each.name: each.version for each in metadata.distributions() if each.name}
    found = {name.lower().replace("_", "-"): version for name, version in names.items()}
    return Environment(
        interpreter=Interpreter(path=sys.executable, version="3.11"),
        distributions={
            name: Distribution(name=name, version=version) for name, version in found.items()
        },
    )


PROBES = {probe.name: probe for probe in load_plugins(strangers=False).probes()}


def test_every_backend_has_a_probe():
    assert {backend.name for backend in load_plugins(strangers=False).backends()} == set(PROBES)


@pytest.mark.parametrize("name", PROBES)
def test_a_sound_framework_passes(name, monkeypatch):
    if util.find_spec(PROBES[name].module) is None:
        pytest.skip(f"{name} is not installed")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    probes = [PROBES[name]]
    results = run_probes(probes, environment())
    assert [each.device for each in results] == ["cpu"]
    (result,) = results
    if name == "mindspore" and result.outcome.status != "ok":
        # The doctor warns of it before: a MindSpore that was built for NumPy 1.
        assert not np.__version__.startswith("1.")
        assert explain(result.output_tail).check == "mindspore-numpy-2"
        return
    assert (result.outcome.status, result.outcome.reason) == ("ok", "")
    assert [step.name for step in result.steps] == STEPS
    assert all(step.passed for step in result.steps)
    errors = [step.error for step in result.steps if step.error is not None]
    assert len(errors) == 5
    assert max(errors) < 1e-5
    assert result.details["devices"] == "cpu"
    assert result.details["version"]
