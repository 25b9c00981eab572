"""Each script runs for a moment, and its bare loops train as the backends do."""

from __future__ import annotations

import importlib
import re
import runpy
from importlib import metadata
from pathlib import Path

import pytest

from envdoctor.plugins import load_plugins

MOMENT = ("--launches", "1", "--rounds", "2")
BACKENDS = load_plugins(strangers=False).backends()


@pytest.mark.parametrize(
    ("backend", "mode"),
    [("torch", "eager"), ("tensorflow", "graph"), ("jax", "jit"), ("lightning", "fabric")],
)
def test_backends_beside_bare_loops(run_script, backend, mode):
    pytest.importorskip(backend)
    chosen = ("--backend", backend, "--mode", mode, "--workload", "cnn-tiny")
    done = run_script("backends.py", *chosen, *MOMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not the same work" not in done.stdout
    assert "cnn-tiny" in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("workload", ["mlp-tiny", "cnn-tiny", "transformer-tiny"])
@pytest.mark.parametrize("backend", [each.name for each in BACKENDS if each.name != "numpy"])
def test_every_bare_loop_does_the_same_work(run_script, backend, workload):
    done = run_script("backends.py", "--backend", backend, "--workload", workload, *MOMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) > 1


def test_what_a_bare_loop_cannot_do_is_said(run_script):
    pytest.importorskip("lightning")
    chosen = ("--backend", "lightning", "--mode", "trainer", "--workload", "mlp-tiny")
    done = run_script("backends.py", *chosen, *MOMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not measured: the Trainer has no loop" in done.stdout


def test_overhead_of_a_worker(run_script):
    done = run_script("overhead.py", "--backend", "numpy", *MOMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mlp-tiny" in done.stdout


def test_command_line(run_script):
    done = run_script("command_line.py", "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "times Click alone" in done.stdout


def test_the_doctor_beside_collect_env(run_script):
    pytest.importorskip("torch")
    done = run_script("doctor.py", "--quick")
    # How long it takes on this machine is another question.
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    assert re.search(r"^check +[\d.]+ times torch.utils.collect_env", done.stdout)
    assert re.search(r"^check --deep +[\d.]+ s with torch", done.stdout, re.MULTILINE)


def test_made_up_distributions_fill_the_environment(harness_path, tmp_path):
    script = importlib.import_module("doctor")
    there = len(list(metadata.distributions()))
    variables = script.make_distributions(tmp_path, there + 3)
    found = list(metadata.distributions(path=[str(tmp_path)]))
    assert len(found) == 3
    assert {each.version for each in found} == {"1.0"}
    assert variables["PYTHONPATH"].startswith(str(tmp_path))


def test_durations_say_what_a_run_is_made_of(harness_path):
    script = importlib.import_module("durations")
    run = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))["made_run"]()
    said = script._made_of(run)
    assert re.match(r"\d rows; mlp-tiny \d+ rounds, grade [A-D]; \d+ s in blocks", said), said


def test_list_of_runs(run_script):
    done = run_script("list_runs.py", "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = re.findall(r"^(first|warm) .* for 200, .* for 10: [\d.]+x$", done.stdout, re.MULTILINE)
    assert shown == ["first", "warm"]


def test_a_first_list_has_no_index_and_a_warm_one_has(harness_path, tmp_path):
    script = importlib.import_module("list_runs")
    folder = tmp_path / "envdoctor" / "runs"
    assert script.make_runs(folder, 4) == sum(path.stat().st_size for path in folder.iterdir())
    index = folder / ".index.json"
    script.measure({4: tmp_path}, 1, warm=False)
    first = index.stat().st_mtime_ns
    (taken,) = script.measure({4: tmp_path}, 1, warm=True)[4]
    assert taken.cpu_seconds > 0
    assert index.stat().st_mtime_ns == first
    script.measure({4: tmp_path}, 1, warm=False)
    assert index.stat().st_mtime_ns > first


def test_an_unknown_workload_is_refused(run_script):
    done = run_script("backends.py", "--workload", "unknown")
    assert done.returncode == 2
    assert "unknown" in done.stderr
