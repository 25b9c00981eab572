"""Every registered backend, in each of its modes, through the same gate; no framework is named."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from envdoctor.bench.caches import Caches
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.parity.evidence import full_data, parity_task
from envdoctor.bench.plan import Wishes, choose_rows, oracle_row
from envdoctor.bench.prove import Oracle, Suspect
from envdoctor.bench.worker import Host, Worker
from envdoctor.child.job import Job
from envdoctor.detect.cpu import choose_cpus, read_cpu
from envdoctor.plugins import load_plugins

FAMILIES = ("mlp-tiny", "cnn-tiny", "vit-tiny", "lstm-tiny", "transformer-tiny")
PLUGINS = load_plugins(strangers=False)
ROWS = choose_rows(PLUGINS, Wishes()).rows
ORACLE = oracle_row(PLUGINS)


def test_all_four_frameworks_are_here():
    # Without this the file could pass by testing nothing.
    names = {row.row.title for row in ROWS}
    wanted = {"numpy", "torch eager", "torch compile", "jax jit"}
    assert wanted | {"tensorflow graph", "tensorflow xla"} == names


@pytest.fixture(scope="module")
def host():
    with RunFolder() as folder:
        caches = Caches(folder.path / "compiled")
        yield Host(folder, choose_cpus(read_cpu(), None), worker_seconds=280, caches=caches)


@pytest.fixture(scope="module")
def oracle(host):
    with Oracle(host, ORACLE) as found:
        yield found


@pytest.fixture(scope="module")
def expected(oracle, prepared):
    found = {}

    def by_name(name):
        if name not in found:
            found[name] = oracle.expect(prepared(name))
        return found[name]

    return by_name


@pytest.fixture(scope="module", params=ROWS, ids=[row.row.title for row in ROWS])
def row(request):
    return request.param


@pytest.fixture(scope="module")
def worker(host, row):
    """A float32 worker of the row, with the framework loaded."""
    with Worker(host, row.backend, row.interpreter, row.setting("fp32", len(host.cpus))) as found:
        found.load()
        yield found


@pytest.fixture
def job(row, host, prepared):
    workload = prepared("mlp-tiny")
    return Job(workload.workload, workload.optimizer, row.setting("fp32", len(host.cpus)))


# The reference in float64 is left out: it is checked by finite differences, in its own tests.
PROOFS = [
    (row, precision)
    for row in ROWS
    for precision in row.backend.precisions
    if (row.backend, precision) != (ORACLE.backend, "fp64")
]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("row", "precision"), PROOFS, ids=[f"{row.row.title} {name}" for row, name in PROOFS]
)
def test_every_family_is_certified(host, oracle, expected, row, precision):
    # A mode whose exact maths another one proves compiles for minutes, and only `parity` asks it.
    families = FAMILIES[:1] if precision == "fp64" and row.mode.exact else FAMILIES
    with Suspect(host, row, precision) as suspect:
        for name in families:
            certificate = suspect.certify(oracle, expected(name))
            assert certificate.same_work, f"{name}: {certificate.reason} {certificate.cause}"
            assert certificate.optimizer == "as specified"


def test_weights_go_in_and_come_out_unchanged(worker, job, prepared):
    task = parity_task(prepared("mlp-tiny"))
    worker.build(job, task.weights, task.data)
    found = worker.weights()
    assert set(found) == set(task.weights)
    for name, value in task.weights.items():
        np.testing.assert_array_equal(found[name], value.astype(np.float32))


def test_differentiating_changes_nothing(worker, job, prepared):
    task = parity_task(prepared("mlp-tiny"))
    worker.build(job, task.weights, task.data)
    worker.steps([0, 1])
    before = worker.weights()
    first = worker.differentiate(2)
    second = worker.differentiate(2)
    after = worker.weights()
    assert first[0] == second[0]
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name])


def test_outputs_and_gradients_have_the_precision_of_the_setting(worker, job, prepared):
    task = parity_task(prepared("mlp-tiny"))
    worker.build(job, task.weights, task.data)
    _, outputs, gradients = worker.differentiate(0)
    assert {outputs.dtype, *(value.dtype for value in gradients.values())} == {np.dtype("float32")}


def test_training_starts_at_chance_falls_and_repeats(worker, job, prepared):
    workload = prepared("mlp-tiny")
    data = full_data(workload)
    runs = []
    for _ in range(2):
        worker.build(job, workload.weights(), data)
        runs.append(worker.steps(range(66))[1])
    assert runs[0][0] == pytest.approx(log(10), rel=0.25)
    assert np.mean(runs[0][-22:]) < 0.5 * np.mean(runs[0][:5])
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-4)


def test_outputs_cover_every_test_sample_once(worker, job, prepared):
    workload = prepared("mlp-tiny")
    data = full_data(workload)
    worker.build(job, workload.weights(), data)
    outputs, _ = worker.evaluate("test")
    assert outputs.shape == (len(data["test_inputs"]), 10)
    # The same rows in another order: each output belongs to its own sample.
    turned = {**data, "test_inputs": data["test_inputs"][::-1]}
    worker.build(job, workload.weights(), turned)
    again, _ = worker.evaluate("test")
    np.testing.assert_allclose(again[::-1], outputs, rtol=1e-4, atol=1e-6)


def test_a_steady_step_compiles_nothing_more(worker, job, prepared):
    workload = prepared("mlp-tiny")
    worker.build(job, workload.weights(), full_data(workload))
    worker.steps(range(8))
    first = worker.block(8, 20, workload.steps, None)["compilations"]
    last = worker.block(28, 60, workload.steps, None)["compilations"]
    assert first == last


def test_twice_the_steps_take_about_twice_the_time(worker, job, prepared):
    # A step that returns early and a wait that does not wait would break the proportion.
    workload = prepared("cnn-tiny")
    own = Job(workload.workload, workload.optimizer, job.setting)
    worker.build(own, workload.weights(), full_data(workload))
    worker.steps(range(10))
    ratios = []
    for _ in range(9):
        single = worker.block(0, 30, workload.steps, None)["wall_ns"]
        double = worker.block(0, 60, workload.steps, None)["wall_ns"]
        ratios.append(double / single)
    assert 1.6 < np.median(ratios) < 2.5
