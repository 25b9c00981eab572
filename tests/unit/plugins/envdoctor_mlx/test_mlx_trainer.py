"""What the trainer refuses, and how it converts; MLX runs in a child process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

CODE = """
import numpy as np
from envdoctor.child.contract import Setting, Unsupported
from envdoctor.child.job import Optimizer, Workload
from envdoctor.child.layers import Conv2d, Lstm
from envdoctor_mlx import devices, model, optimizers, parameters

def refused(what, *given):
    try:
        what(*given)
    except Unsupported as error:
        return str(error)
    raise AssertionError(given)

assert "float64" in refused(devices.prepare, Setting("compiled", "fp64"))
assert "no mode eager" in refused(devices.prepare, Setting("eager"))
assert "no device tpu" in refused(devices.find_device, "tpu")
assert "no optimiser lion" in refused(optimizers.build_optimizer, Optimizer("lion", 0.1))

layers = (
    Conv2d("conv", (6, 6, 2), (6, 6, 3), 3, 1, 1, "relu", True),
    Lstm("lstm", (4, 5), (4, 7)),
)
shapes = {
    "conv.kernel": (3, 3, 2, 3), "conv.bias": (3,),
    "lstm.input_kernel": (5, 28), "lstm.recurrent_kernel": (7, 28), "lstm.bias": (28,),
}
for layer in layers:
    built, places = model.build_model(Workload("w", (layer,), "cross_entropy", 2, layer.input_shape))
    given = {
        name: np.random.default_rng(0).normal(size=shapes[name])
        for name in shapes if name.startswith(layer.name)
    }
    parameters.load(built, places, given)
    found = parameters.read(built.parameters(), places)
    assert found.keys() == given.keys()
    for name, value in given.items():
        np.testing.assert_array_equal(found[name], value.astype(np.float32))
"""


@pytest.mark.skipif(importlib.util.find_spec("mlx") is None, reason="MLX is not installed")
def test_refusals_and_layouts():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
