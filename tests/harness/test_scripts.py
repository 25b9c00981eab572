"""Each script runs for a moment, and its bare loops train as the backends do."""

from __future__ import annotations

import re

import pytest

MOMENT = ("--launches", "1", "--rounds", "2")


@pytest.mark.parametrize(
    ("backend", "mode"), [("torch", "eager"), ("tensorflow", "graph"), ("jax", "jit")]
)
def test_backends_beside_bare_loops(run_script, backend, mode):
    pytest.importorskip(backend)
    chosen = ("--backend", backend, "--mode", mode, "--workload", "cnn-tiny")
    done = run_script("backends.py", *chosen, *MOMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not the same work" not in done.stdout
    assert "cnn-tiny" in done.stdout


def test_overhead_of_a_worker(run_script):
    done = run_script("overhead.py", "--backend", "numpy", *MOMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mlp-tiny" in done.stdout


def test_command_line(run_script):
    done = run_script("command_line.py", "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "times Click alone" in done.stdout


def test_list_of_runs(run_script):
    done = run_script("list_runs.py", "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    first, warm = (float(ratio) for ratio in re.findall(r" ([\d.]+)x$", done.stdout, re.MULTILINE))
    assert first > 1  # new files are read
    assert warm > 0


def test_an_unknown_workload_is_refused(run_script):
    done = run_script("backends.py", "--workload", "unknown")
    assert done.returncode == 2
    assert "unknown" in done.stderr
