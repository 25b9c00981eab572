"""Frameworks that die, hang and lie: real processes, with a package of their name in the way."""

from __future__ import annotations

import dataclasses
import sys
import time

import pytest

from envdoctor.checks import probes as probe_checks
from envdoctor.diagnosis.probing import run_probes
from envdoctor.model.environment import Distribution, Environment, Interpreter
from envdoctor.model.machine import Machine
from envdoctor.model.snapshot import Snapshot
from envdoctor.plugins import load_plugins

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")

SIGNALLED = "import os, signal; os.kill(os.getpid(), signal.{})"
RAISED = "raise {}"

FAKE_NUMPY_LIKE = '''
class Array(list):
    """Enough of an array for the probe, with wrong products."""
    shape = (8, 8)
    T = property(lambda self: self)
    def __matmul__(self, other): return Array([[1.0]])
    def tolist(self): return [list(row) for row in self]
    def sum(self, **_): return float(sum(self))
__version__ = "2.9"
def ones(count, dtype): return Array([1.0] * count)
def array(rows, dtype): return Array(rows)
'''


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    """What the checks say of frameworks with this code."""

    def call(seconds=20.0, **codes):
        for name, code in codes.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        installed = {name: Distribution(name=name, version="2.9") for name in codes}
        environment = Environment(
            interpreter=Interpreter(path=sys.executable, version="3.11"), distributions=installed
        )
        chosen = [
            dataclasses.replace(probe, seconds=seconds)
            for probe in load_plugins().probes()
            if probe.name in codes
        ]
        results = run_probes(chosen, environment)
        snapshot = Snapshot(machine=Machine(), environment=environment, probes=results)
        return [finding for check in probe_checks.CHECKS for finding in check.run(snapshot)]

    return call


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        (SIGNALLED.format("SIGILL"), "SIGILL"),
        (SIGNALLED.format("SIGBUS"), "SIGBUS"),
        (SIGNALLED.format("SIGKILL"), "SIGKILL"),
        ("import os; os._exit(0)", "exit code 0"),
        ("import os; os._exit(3)", "exit code 3"),
    ],
)
def test_a_death(exercise, code, words):
    (finding,) = exercise(torch=code)
    assert (finding.id, finding.status, finding.subject) == ("probe-crashed", "fail", "torch")
    assert words in finding.title + finding.evidence[0].fact
    assert "import" in finding.evidence[0].fact
    assert finding.cause
    assert finding.remedies


def test_the_place_of_a_segmentation_fault(exercise):
    (finding,) = exercise(torch="import ctypes\nctypes.string_at(0)")
    assert any("string_at" in each.fact for each in finding.evidence)


def test_last_words_before_an_abort(exercise):
    code = "import os; os.write(2, b'OMP: Error #15: Initializing libiomp5.so'); os.abort()"
    (finding,) = exercise(torch=code)
    assert finding.caused_by == "duplicate-openmp-runtime"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("OSError('[WinError 126] Error loading fbgemm.dll')", "windows-dll-load"),
        (
            "ImportError('libcusparse.so.12: undefined symbol: __nvJitLinkComplete_12_4')",
            "ld-library-path-hijacks-cuda",
        ),
        ('ImportError("version `GLIBCXX_3.4.29\' not found")', "glibcxx-too-old"),
        ("AttributeError('_ARRAY_API not found')", "numpy2-abi-break"),
        (
            "TypeError('Descriptors cannot be created directly.')",
            "protobuf-generated-code-mismatch",
        ),
        ("SystemExit(0)", ""),
        ("KeyboardInterrupt", ""),
        ("RecursionError", ""),
        ("type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})", ""),
        ("Exception('\\udcff')", ""),
        ("Exception('x' * 10**6)", ""),
    ],
)
def test_an_error(exercise, error, cause):
    (finding,) = exercise(torch=RAISED.format(error))
    assert (finding.id, finding.status, finding.caused_by) == ("probe-failed", "fail", cause)
    assert finding.title == "PyTorch cannot be imported"
    assert len(finding.evidence[0].fact) < 400


def test_a_framework_that_hangs(exercise):
    began = time.monotonic()
    (finding,) = exercise(seconds=1.0, torch="import time; time.sleep(600)")
    assert finding.id == "probe-timed-out"
    assert "import" in finding.evidence[0].fact
    assert time.monotonic() - began < 300  # it sleeps for twice as long


def test_megabytes_of_garbage_before_a_death(exercise):
    code = "import sys, os\nsys.stdout.write('\\x00\\xff {}\\n' * 10**6)\nos._exit(0)"
    (finding,) = exercise(torch=code)
    assert finding.id == "probe-crashed"


def test_wrong_numbers(exercise):
    found = exercise(numpy=FAKE_NUMPY_LIKE)
    wrong = [finding for finding in found if finding.id == "probe-wrong-numbers"]
    assert len(wrong) == 1
    assert "matmul" in wrong[0].title
    assert wrong[0].subject == "numpy on cpu"


def test_one_death_hides_no_other(exercise):
    found = exercise(
        torch="import ctypes; ctypes.string_at(0)",
        jax="raise ImportError('odd')",
        tensorflow=SIGNALLED.format("SIGILL"),
    )
    assert {(each.id, each.subject) for each in found} == {
        ("probe-crashed", "torch"),
        ("probe-failed", "jax"),
        ("probe-crashed", "tensorflow"),
    }
