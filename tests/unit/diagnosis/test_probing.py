from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envdoctor.api import Probe
from envdoctor.diagnosis.probing import read_answers, run_probes
from envdoctor.model.snapshot import ProbeResult

GOOD = """
def probe(report, device):
    report({"begins": "import"})
    report({"name": "import", "passed": True, "seconds": 0.1, "details": {"version": "1.0"}})
    if device is None:
        report({"name": "devices", "passed": True, "devices": ["cpu", "cuda:0"]})
        return
    report({"begins": "matmul"})
    EXERCISE
    report({"name": "matmul", "passed": True, "error": 0.0})
"""

Run = Callable[..., tuple[ProbeResult, ...]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: dict[str, Any]) -> Run:
    """Runs a probe written here, in this interpreter."""
    monkeypatch.syspath_prepend(tmp_path)
    environment = made["environment"]({"frail": "1.0"}, interpreter={"path": sys.executable})

    def run(
        code: str, seconds: float = 30.0, tell: Any = lambda *_: None, **fields: Any
    ) -> tuple[ProbeResult, ...]:
        name = f"frail_{abs(hash(code))}"
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
        probe = Probe(
            name="frail",
            summary="made to fail",
            module="frail",
            distributions=("frail",),
            entry=f"{name}:probe",
            seconds=seconds,
            **fields,
        )
        return run_probes([probe], environment, tell)

    return run


def exercise(statement: str) -> str:
    return GOOD.replace("EXERCISE", statement)


def test_every_device_gets_a_child_of_its_own(run: Run) -> None:
    results = run(
        exercise(
            "report({'name': 'pid', 'passed': True, 'message': str(__import__('os').getpid())})"
        )
    )
    assert [(result.device, result.outcome.status) for result in results] == [
        ("cpu", "ok"),
        ("cuda:0", "ok"),
    ]
    assert [step.name for step in results[0].steps] == ["import", "pid", "matmul"]
    assert results[0].steps[1].message != results[1].steps[1].message
    assert results[0].details == {"version": "1.0"}
    assert results[0].exit_code == 0


def test_a_framework_without_devices_is_one_result(run: Run) -> None:
    code = "def probe(report, device):\n    report({'name': 'import', 'passed': True})\n"
    (result,) = run(code)
    assert (result.device, result.outcome.status) == ("", "ok")


AT_ONCE = """
def probe(report, device):
    report({"name": "import", "passed": True, "details": {"version": "1.0"}})
    assert device is None
    report({"name": "devices", "passed": True, "devices": ["cpu"]})
    report({"begins": "matmul"})
    EXERCISE
    report({"name": "matmul", "passed": True, "error": 0.0})
"""


def test_what_has_only_the_cpu_may_exercise_it_in_the_first_child(run: Run) -> None:
    (result,) = run(AT_ONCE.replace("EXERCISE", ""))
    assert (result.device, result.outcome.status) == ("cpu", "ok")
    assert [step.name for step in result.steps] == ["import", "devices", "matmul"]


def test_a_death_in_the_first_child_is_one_of_the_cpu(run: Run) -> None:
    (result,) = run(AT_ONCE.replace("EXERCISE", "import os; os.abort()"))
    assert (result.device, result.outcome.status) == ("cpu", "crashed")
    assert "during matmul" in result.outcome.reason


def test_what_only_lists_the_cpu_gets_a_second_child(run: Run) -> None:
    said: list[tuple[str, float]] = []
    (result,) = run(
        GOOD.replace(', "cuda:0"', "").replace("EXERCISE", ""), tell=lambda *each: said.append(each)
    )
    assert (result.device, result.outcome.status) == ("cpu", "ok")
    assert [step.name for step in result.steps] == ["import", "matmul"]
    assert [what for what, _ in said] == ["frail", "what is left", "frail on cpu"]
    assert [share for _, share in said] == [0.0, 0.5, 0.5]


ENDINGS = {
    "segfault": ("import ctypes; ctypes.string_at(0)", "crashed", -11, "SIGSEGV"),
    "abort": ("import os; os.abort()", "crashed", -6, "SIGABRT"),
    "illegal": ("import os; os.kill(os.getpid(), 4)", "crashed", -4, "SIGILL"),
    "out of memory": ("import os; os.kill(os.getpid(), 9)", "out_of_memory", -9, "memory"),
    "silent": ("import os; os._exit(0)", "crashed", 0, "exit code 0"),
    "raises": ("raise OSError('libcudart.so.13: cannot open')", "crashed", 1, "exit code 1"),
    "says so": (
        "report({'name': 'matmul', 'passed': False, 'message': 'no kernel image'}); return",
        "failed",
        0,
        "no kernel image",
    ),
    "wrong numbers": (
        "report({'name': 'matmul', 'passed': False, 'error': 0.5, 'message': 'far off'}); return",
        "different",
        0,
        "far off",
    ),
    "no step": ("report({'what': 1})", "failed", 0, "no step"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_an_ending_is_decoded(run: Run, name: str) -> None:
    statement, status, code, words = ENDINGS[name]
    for result in run(exercise(statement)):
        assert (result.outcome.status, result.exit_code) == (status, code), result
        assert words in result.outcome.reason
        assert result.steps[0].name == "import", "what was done before is known"
    if status == "crashed":
        assert "during matmul" in result.outcome.reason


def test_the_end_of_the_log_is_kept(run: Run) -> None:
    (result, _) = run(exercise("print('x' * 100_000); raise OSError('libcudart.so.13 is missing')"))
    assert "libcudart.so.13 is missing" in result.output_tail
    assert len(result.output_tail) < 5000


def test_one_that_hangs_is_stopped(run: Run) -> None:
    code = "import time\ndef probe(report, device):\n    report({'begins': 'import'})\n    time.sleep(600)\n"
    (result,) = run(code, seconds=1.5)
    assert (result.outcome.status, result.exit_code) == ("timed_out", None)
    assert "import" in result.outcome.reason


def test_a_failed_listing_is_the_only_result(run: Run) -> None:
    code = "def probe(report, device):\n    report({'name': 'import', 'passed': False, 'message': 'No.'})\n"
    (result,) = run(code)
    assert (result.device, result.outcome.status, result.outcome.reason) == ("", "failed", "No.")


def test_its_variables_are_set_and_nothing_is_written_beside_it(run: Run, tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "def probe(report, device):\n"
        "    said = os.environ['FRAIL'] + str(sys.dont_write_bytecode)\n"
        "    report({'name': 'import', 'passed': True, 'message': said})\n"
    )
    (result,) = run(code, environment={"FRAIL": "set"})
    assert result.steps[0].message == "setTrue"


def test_what_is_not_installed_is_not_tried(made: dict[str, Any]) -> None:
    probe = Probe(name="x", summary="", module="x", distributions=("x",), entry="nowhere:probe")
    assert run_probes([probe], made["environment"]()) == ()


def test_a_probe_that_is_not_there_is_data(made: dict[str, Any]) -> None:
    probe = Probe(name="x", summary="", module="x", distributions=("x",), entry="nowhere:probe")
    (result,) = run_probes([probe], made["environment"]({"x": "1"}))
    assert result.outcome.status == "failed"
    assert "nowhere" in result.outcome.reason


def test_a_line_that_was_cut_is_overlooked(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    path.write_bytes(b'{"name": "import", "passed": true}\n{"name": "dev')
    found = read_answers(path)
    assert ([step.name for step in found.steps], found.garbled, found.done) == (
        ["import"],
        False,
        False,
    )


@pytest.mark.parametrize(
    "line", [b"\xff", b"[1]", b'{"name": 1, "passed": true}', b'{"name": "x"}', b"[" * 90_000]
)
def test_garbage_is_no_step(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "answers"
    path.write_bytes(line + b"\n" + b'{"done": true}\n')
    found = read_answers(path)
    assert (found.steps, found.garbled, found.done) == ([], True, True)
