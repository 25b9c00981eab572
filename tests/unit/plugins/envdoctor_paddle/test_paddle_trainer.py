"""What the trainer refuses, and how it converts; Paddle runs in a child process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

CODE = """
import numpy as np
from envdoctor.child.contract import Data, Job, Setting, Unsupported
from envdoctor.child.job import Optimizer, Workload
from envdoctor.child.layers import Dense, Flatten, LastStep, LayerNorm, Lstm
from envdoctor_paddle import devices, model, optimizers, trainer

def refused(what, *given):
    try:
        what(*given)
    except Unsupported as error:
        return str(error)
    raise AssertionError(given)

assert "float64" in refused(devices.prepare, Setting("static", "fp64"))
assert "no mode eager" in refused(devices.prepare, Setting("eager"))
assert "no device tpu" in refused(devices.prepare, Setting("static", device="tpu"))
assert "no optimiser lion" in refused(optimizers.build_optimizer, [], Optimizer("lion", 0.1))

setting = Setting("dynamic")
trainer.Trainer.start(setting)
layers = (Lstm("lstm", (4, 5), (4, 7)), LastStep("last", (4, 7), (7,)))
workload = Workload("w", layers, "mean_squared_error", 2, (4, 5))
draw = np.random.default_rng(0).normal
given = {
    "lstm.input_kernel": draw(size=(5, 28)),
    "lstm.recurrent_kernel": draw(size=(7, 28)),
    "lstm.bias": draw(size=28),
}
subject = trainer.Trainer(Job(workload, Optimizer("adamw", 0.1), setting), given)
found = subject.weights()
assert found.keys() == given.keys()
for name, value in given.items():
    np.testing.assert_array_equal(found[name], value.astype(np.float32))
rows = np.arange(2, dtype=np.int32)[None]
x, y = draw(size=(2, 4, 5)), draw(size=(2, 7))
subject.stage(Data(x, y, x, y, rows))
subject.step(0)
second, = (p for name, p in subject._model.named_parameters() if "bias_hh" in name)
assert not second.numpy().any()
assert (subject.weights()["lstm.bias"] != found["lstm.bias"]).all()

image = (
    LayerNorm("norm", (6, 6, 2), (6, 6, 2), 1e-5),
    Dense("dense", (6, 6, 2), (6, 6, 2), "none", True),
    Flatten("flat", (6, 6, 2), (72,)),
)
built, _ = model.build_model(Workload("w", image, "cross_entropy", 2, (6, 6, 2)))
assert not [part for part in built if "ToChannels" in type(part).__name__], built
"""


@pytest.mark.skipif(importlib.util.find_spec("paddle") is None, reason="Paddle is not installed")
def test_refusals_layouts_and_the_second_bias():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
