"""The base sizes take a few steps on a machine of ordinary memory."""

from __future__ import annotations

from math import isfinite

import psutil
import pytest

from envdoctor.bench.caches import Caches
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.parity.evidence import full_data
from envdoctor.bench.plan import Wishes, choose_rows
from envdoctor.bench.worker import NANOSECOND, Host, Worker
from envdoctor.child.job import Job
from envdoctor.detect.cpu import choose_cpus, read_cpu
from envdoctor.plugins import load_plugins
from envdoctor.workload.prepare import find_file, prepare

PLUGINS = load_plugins(strangers=False)
ROWS = {
    row.row.title: row
    for row in choose_rows(PLUGINS, Wishes(backends=("torch", "tensorflow", "jax"))).rows
}
WORKER_SECONDS = 3000
STEPS = 3
NEEDED_BYTES = {"mlp-base": 4 * 10**9, "cnn-base": 4 * 10**9, "transformer-base": 20 * 10**9}
CASES = [
    *((name, title) for name in ("mlp-base", "cnn-base") for title in ROWS),
    # A step takes minutes on two CPUs, whatever computes it.
    ("transformer-base", "torch eager"),
]


@pytest.fixture(scope="module")
def first_losses():
    """By workload, of the row that came first."""
    return {}


@pytest.mark.long
@pytest.mark.timeout(WORKER_SECONDS)
@pytest.mark.parametrize(("name", "title"), CASES, ids=[" ".join(case) for case in CASES])
def test_a_base_size_takes_steps_within_memory(name, title, first_losses, record_property):
    available = psutil.virtual_memory().available
    if available < NEEDED_BYTES[name]:
        pytest.skip(
            f"{name} needs {NEEDED_BYTES[name] / 1e9:.0f} GB, {available / 1e9:.1f} are free"
        )
    row = ROWS[title]
    prepared = prepare(find_file(name, PLUGINS.workload_files()), PLUGINS.data_sets(), seed=0)
    with RunFolder() as folder:
        caches = Caches(folder.path / "compiled")
        host = Host(folder, choose_cpus(read_cpu(), None), WORKER_SECONDS, caches)
        setting = row.setting("fp32", len(host.cpus))
        with Worker(host, row.backend, row.interpreter, setting) as worker:
            worker.load()
            job = Job(prepared.workload, prepared.optimizer, setting)
            worker.build(job, prepared.weights(), full_data(prepared))
            walls, losses = worker.steps(range(STEPS))
            peak = worker.memory()["host"]["peak_bytes"]
    record_property("step_seconds", min(walls) * NANOSECOND)
    record_property("peak_bytes", peak)
    assert all(isfinite(loss) for loss in losses)
    # All rows begin with the same weights on the same batch.
    assert losses[0] == pytest.approx(first_losses.setdefault(name, losses[0]), rel=1e-4)
    assert peak < NEEDED_BYTES[name]
