"""What the trainer refuses, and the shapes it takes in and gives out, in a child process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tinygrad") is None, reason="tinygrad is not installed"
)

REFUSE = """
from envdoctor.child.contract import Setting, Unsupported
from envdoctor_tinygrad.trainer import Trainer
try:
    Trainer.start(Setting({mode!r}, {precision!r}, {device!r}))
except Unsupported as reason:
    print(reason)
"""
ERF = """
import numpy as np
from tinygrad import Tensor
from envdoctor.child.contract import Unsupported
from envdoctor_tinygrad.activations import find_activation
find_activation("gelu_erf")(Tensor(np.zeros(2, np.float32)))
try:
    find_activation("gelu_erf")(Tensor(np.zeros(2)))
except Unsupported as reason:
    print(reason)
"""
CONVERT = """
import numpy as np
from envdoctor_tinygrad.parameters import CONVOLUTION, LINEAR, VECTOR
from envdoctor_tinygrad.place import Place
weights = {
    "d.kernel": np.arange(6.0).reshape(2, 3),
    "c.kernel": np.arange(36.0).reshape(3, 3, 2, 2),
    "d.bias": np.arange(3.0),
}
place = Place(np.float32, "CPU", weights)
made = [place.make("d.kernel", LINEAR), place.make("c.kernel", CONVOLUTION), place.make("d.bias")]
print([each.shape for each in made])
for name, binding in place.bindings.items():
    np.testing.assert_array_equal(binding.to_canonical(binding.tensor), weights[name])
"""


def in_child(code, **variables):
    environment = {**os.environ, "DEV": "CPU", **variables}
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def refusal(mode="jit", precision="fp32", device="cpu", **variables):
    return in_child(REFUSE.format(mode=mode, precision=precision, device=device), **variables)


def test_no_compiler(tmp_path):
    said = refusal(PATH=str(tmp_path), CC="")
    assert "there is no clang on the path" in said
    assert "install clang" in said


def test_a_compiler_that_is_not_there():
    assert "there is no no-such-clang on the path" in refusal(CC="no-such-clang")


def test_a_mode_or_a_device_that_it_does_not_have():
    assert refusal(mode="eager") == "the tinygrad backend has no mode eager"
    assert refusal(device="tpu") == "the tinygrad backend has no device tpu"
    assert refusal(device="mps", precision="fp64") == "Metal has no fp64"


def test_no_error_function_in_float64():
    assert "approximation" in in_child(ERF)


@pytest.mark.skipif(shutil.which("clang") is None, reason="there is no clang")
def test_weights_go_through_its_own_layouts(tmp_path):
    shapes = in_child(CONVERT, CACHEDB=str(tmp_path / "cache.db"))
    assert shapes == "[(3, 2), (2, 2, 3, 3), (3,)]"
