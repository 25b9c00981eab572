from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from envdoctor.child.setting import Setting
from envdoctor_keras.plugin import envdoctor_backends, environment

PARAMETERS = """
from types import SimpleNamespace as Variable
import numpy as np
from envdoctor_keras.parameters import bind, by_name

parts = [Variable(shape=(4, 2, 2)) for _ in range(3)]
one = Variable(shape=(4, 5))
weights = {"qkv": np.arange(48.0).reshape(4, 12), "dense": np.arange(20.0).reshape(4, 5)}
bindings = bind({"qkv": tuple(parts), "dense": (one,)}, weights)
pieces = bindings["qkv"].split(weights["qkv"])
# Columns are query, key, value, and within each (heads, head width).
assert [piece.shape for piece in pieces] == [(4, 2, 2)] * 3
assert pieces[1][0].tolist() == [[4.0, 5.0], [6.0, 7.0]]
found = by_name(bindings, [one, *parts], [weights["dense"], *pieces])
assert all((found[name] == value).all() for name, value in weights.items())
pieces[0][:] = -1
assert weights["qkv"].min() == 0
"""


def test_weights_come_apart_and_together():
    done = subprocess.run([sys.executable, "-c", PARAMETERS], check=False, env=os.environ)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("mode", "variable"),
    [
        ("tensorflow", "TF_NUM_INTRAOP_THREADS"),
        ("jax", "PJRT_NPROC"),
        ("torch", "OMP_NUM_THREADS"),
    ],
)
def test_each_mode_chooses_its_engine_and_its_threads(mode, variable):
    found = environment(Setting(mode, threads=3))
    assert found["KERAS_BACKEND"] == mode
    assert found[variable] == "3"


def test_the_device_is_chosen_where_keras_reads_it():
    assert environment(Setting("torch", device="cuda:1"))["KERAS_TORCH_DEVICE"] == "cuda:1"
    assert environment(Setting("jax"))["JAX_PLATFORMS"] == "cpu"
    assert "JAX_PLATFORMS" not in environment(Setting("jax", device="cuda"))


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_no_configuration_is_written_into_the_home_folder(tmp_path):
    script = "import keras; print(keras.config.floatx(), keras.config.backend())"
    variables = {**os.environ, **environment(Setting("torch")), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=variables,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["float32", "torch"]), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_mode_needs_its_engine():
    (backend,) = envdoctor_backends()
    assert [(mode.name, mode.needs) for mode in backend.modes] == [
        (name, (name,)) for name in ("tensorflow", "jax", "torch")
    ]
