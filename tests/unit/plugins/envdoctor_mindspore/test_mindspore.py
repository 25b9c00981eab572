from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from envdoctor.model.environment import Requirement
from envdoctor_mindspore.facts import NEW_NAME, OLD_NAME, collect

NUMPY = "mindspore-numpy-2"
LIBRARY = "/site/mindspore/lib/libmindspore_common.so"

REFUSE = """
from envdoctor.child.contract import Setting, Unsupported
from envdoctor_mindspore.trainer import Trainer
for setting in (
    Setting("eager"), Setting("graph", "fp64"), Setting("graph", "fp32", "tpu"),
):
    try:
        Trainer.start(setting)
    except Unsupported as reason:
        print(reason)
"""
REFUSALS = """\
the mindspore backend has no mode eager
MindSpore has no float64 convolution, LSTM or loss on the CPU
the mindspore backend has no device tpu
"""


@pytest.fixture
def case(made):
    def make(numpy="2.4.6", others=None, **details):
        frameworks = {"mindspore": made.framework("mindspore", "2.10.0", details=details)}
        installed = {"mindspore": "2.10.0", "numpy": numpy, **(others or {})}
        return made.snapshot(environment=made.environment(installed, frameworks=frameworks))

    return make


def test_a_newer_numpy(run, case):
    (finding,) = run(NUMPY, case(**{"built for NumPy 1": LIBRARY}))
    assert finding.status == "warn"
    assert finding.evidence[2].source == LIBRARY
    assert "'numpy<2'" in finding.remedies[0].command


def test_beside_what_needs_the_newer_numpy(run, case, made):
    """JAX 0.10 requires NumPy 2: going back would break it."""
    jax = made.distribution(
        "jax", "0.10.2", requires=(Requirement(name="numpy", specifier=">=2.0"),)
    )
    (finding,) = run(NUMPY, case(others={"jax": jax}, **{"built for NumPy 1": LIBRARY}))
    (remedy,) = finding.remedies
    assert "-m venv ~/.venvs/mindspore" in remedy.command
    assert remedy.command.endswith("pip install mindspore 'numpy<2'")


def test_a_numpy_that_fits(run, case, made):
    assert run(NUMPY, case("1.26.4", **{"built for NumPy 1": LIBRARY})) == []
    assert run(NUMPY, case("2.0.0")) == []
    assert run(NUMPY, made.snapshot(environment=made.environment({"numpy": "2.4.6"}))) == []


@pytest.mark.parametrize(
    ("content", "old"),
    [
        (b"\0".join((b"x", OLD_NAME, b"y")), True),
        (b"\0".join((OLD_NAME, NEW_NAME)), False),
        (b"neither", False),
        (b"", False),
        (None, False),
    ],
)
def test_facts(made, tmp_path, content, old):
    library = tmp_path / "mindspore" / "lib" / "libmindspore_common.so"
    library.parent.mkdir(parents=True)
    if content is not None:
        library.write_bytes(content)
    mindspore = made.distribution("mindspore", "2.10.0", location=str(tmp_path))
    found = collect(made.environment({"mindspore": mindspore}))
    assert (found.name, found.version) == ("mindspore", "2.10.0")
    assert found.details == ({"built for NumPy 1": str(library)} if old else {})


def test_nothing_is_there(made):
    assert collect(made.environment()) is None


@pytest.mark.skipif(
    importlib.util.find_spec("mindspore") is None, reason="MindSpore is not installed"
)
def test_what_it_refuses():
    found = subprocess.run(
        [sys.executable, "-c", REFUSE],
        env={**os.environ, "GLOG_v": "3"},
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout == REFUSALS
