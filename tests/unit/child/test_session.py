from __future__ import annotations

import gc
import math
import sys
import types

import numpy as np
import pytest
from msgspec import structs

from envdoctor.child.contract import DeviceMemory, Gradients
from envdoctor.child.job import Job, Optimizer, Workload
from envdoctor.child.layers import Dense
from envdoctor.child.session import Session
from envdoctor.child.setting import Setting
from envdoctor.model.cell import Noise

LAYER = Dense(name="dense", input_shape=(2,), output_shape=(1,), activation="none", bias=False)
JOB = Job(
    Workload("toy", (LAYER,), "mean_squared_error", 2, (2,)),
    Optimizer("sgd", 0.1),
    Setting("plain"),
)


class Diary:
    """A trainer that only writes down what it was asked for."""

    started: list = []  # noqa: RUF012  read by the tests
    made = 0

    @staticmethod
    def start(setting):
        Diary.started.append(setting)

    def __init__(self, job, weights):
        Diary.made += 1
        self.job, self.given = job, weights
        self.calls = []

    def stage(self, data):
        self.data = data

    def step(self, batch):
        self.calls.append(batch)

    def wait(self):
        self.calls.append("wait")

    def loss(self):
        return math.nan if self.calls.count("wait") > 2 else 0.5

    def differentiate(self, batch):
        return Gradients(math.inf, np.ones(2), {"dense.kernel": np.full((2, 1), batch)})

    def outputs(self, split):
        return self.data.inputs(split) * 2

    def weights(self):
        return self.given

    def device_memory(self):
        return None

    def compilations(self):
        return None


@pytest.fixture
def session(monkeypatch):
    """A session whose framework and trainer are the diary."""
    module = types.ModuleType("toy_framework")
    module.Diary = Diary
    monkeypatch.setitem(sys.modules, "toy_framework", module)
    monkeypatch.setattr(Diary, "started", [])
    monkeypatch.setattr(Diary, "made", 0)
    session = Session()
    session.load(
        "toy_framework", "toy_framework:Diary", {"mode": "plain", "threads": 3}, ["numpy", "gone"]
    )
    return session


@pytest.fixture
def files(tmp_path):
    """Weights and data as the core writes them."""
    np.savez(tmp_path / "weights.npz", **{"dense.kernel": np.array([[1.0], [2.0]])})
    np.savez(
        tmp_path / "data.npz",
        train_inputs=np.zeros((4, 2)),
        train_targets=np.zeros((4, 1)),
        test_inputs=np.ones((2, 2)),
        test_targets=np.zeros((2, 1)),
        batches=np.zeros((5, 2), np.int32),
    )
    return {"weights": str(tmp_path / "weights.npz"), "data": str(tmp_path / "data.npz")}


@pytest.fixture
def built(session, files):
    session.build(JOB.to_json(), **files)
    return session


def test_every_request_has_a_handler_of_its_name(session):
    handlers = session.handlers()
    assert set(handlers) >= {"load", "build", "steps", "block", "probe_clock", "ceiling"}
    assert all(handler.__name__ == name for name, handler in handlers.items())


def test_load_starts_the_device_with_the_setting(session):
    assert Diary.started == [Setting("plain", threads=3)]


def test_load_tells_the_versions_of_what_is_there(session):
    answer = session.load("toy_framework", "toy_framework:Diary", {"mode": "plain"}, ["gone"])
    assert set(answer["versions"]) == {"python", "numpy"}
    assert answer["versions"]["numpy"] == np.__version__
    assert answer["import_ns"] >= 0
    assert answer["device_init_ns"] >= 0


@pytest.mark.parametrize(
    ("module", "trainer", "error"),
    [
        ("no_such_framework", "toy_framework:Diary", ModuleNotFoundError),
        ("toy_framework", "no_such_trainer:Trainer", ModuleNotFoundError),
        ("toy_framework", "toy_framework:Journal", AttributeError),
    ],
)
def test_what_cannot_be_imported_is_raised(session, module, trainer, error):
    with pytest.raises(error):
        session.load(module, trainer, {"mode": "plain"}, [])


@pytest.mark.parametrize(
    ("request_name", "arguments"),
    [
        ("steps", {"batches": [0]}),
        ("block", {"first": 0, "steps": 1, "count": 1, "warm_ns": None}),
        ("probe_clock", {"first": 0, "steps": 1, "count": 1, "repeats": 1}),
        ("differentiate", {"batch": 0, "path": "gone"}),
        ("evaluate", {"split": "test", "path": "gone"}),
        ("read_weights", {"path": "gone"}),
        ("memory", {}),
    ],
)
def test_nothing_can_be_asked_before_it_was_built(session, request_name, arguments):
    with pytest.raises(RuntimeError, match="nothing was built yet"):
        session.handlers()[request_name](**arguments)


def test_build_hands_over_job_weights_and_data(built):
    trainer = built._trainer
    assert trainer.job == JOB
    assert trainer.given["dense.kernel"].dtype == np.float64
    assert trainer.data.batches.shape == (5, 2)


def test_a_build_that_fails_leaves_nothing_of_the_one_before(built, files, monkeypatch):
    def refuse(self, data):
        raise ValueError("too large")

    monkeypatch.setattr(Diary, "stage", refuse)
    with pytest.raises(ValueError, match="too large"):
        built.build(JOB.to_json(), **files)
    with pytest.raises(RuntimeError, match="nothing was built yet"):
        built.steps([0])


def test_the_trainer_before_is_gone_when_the_next_is_made(built, files, monkeypatch):
    alive = []

    def count(self, data):
        self.data = data
        gc.collect()
        # By type, because `isinstance` would ask the class of every object of every framework that
        # another test has imported into this process, and some of them warn when asked.
        alive.append(sum(type(each) is Diary for each in gc.get_objects()))

    monkeypatch.setattr(Diary, "stage", count)
    built.build(JOB.to_json(), **files)
    assert alive == [1]


def test_steps_are_taken_one_by_one_each_with_a_wait(built):
    answer = built.steps([3, 1])
    assert built._trainer.calls == [3, "wait", 1, "wait"]
    assert len(answer["wall_ns"]) == 2
    assert all(wall > 0 for wall in answer["wall_ns"])


def test_a_loss_that_is_no_number_travels_as_text(built):
    assert built.steps([0, 0, 0])["losses"] == [0.5, 0.5, "nan"]


def test_a_block_waits_at_both_ends_only_and_goes_round_the_plan(built):
    answer = built.block(first=3, steps=4, count=5, warm_ns=None)
    assert built._trainer.calls == ["wait", "wait", 3, 4, 0, 1, "wait"]
    assert answer["wall_ns"] > 0
    assert answer["cpu_ns"] >= 0
    assert answer["loss"] == "nan"  # what a diary says after its third wait, so read at the end


def test_a_block_is_warmed_up_with_the_batches_before_it(built):
    built.block(first=1, steps=2, count=5, warm_ns=0)
    # At least one step, waited for, then the wait that the clock starts after.
    assert built._trainer.calls == ["wait", 0, "wait", "wait", 1, 2, "wait"]


def test_a_warm_up_goes_on_for_its_time_and_backwards_round_the_plan(built, monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("envdoctor.child.timing.perf_counter_ns", lambda: next(clock))
    built.block(first=1, steps=1, count=3, warm_ns=30)
    assert built._trainer.calls[:7] == ["wait", 0, "wait", 2, "wait", 1, "wait"]
    assert built._trainer.calls[7:] == ["wait", 1, "wait"]


def test_a_block_counts_what_disturbed_it_and_what_was_compiled(built, monkeypatch):
    monkeypatch.setattr(Diary, "compilations", lambda _: 7)
    answer = built.block(first=0, steps=1, count=1, warm_ns=None)
    assert answer["compilations"] == 7
    # What the GPU did is not among it: the core watches that.
    assert set(answer["noise"]) == {each.name for each in structs.fields(Noise)} - {"gpu_throttled"}


def test_the_clock_is_probed_with_n_and_twice_n_steps(built):
    answer = built.probe_clock(first=4, steps=2, count=5, repeats=1)
    calls = [call for call in built._trainer.calls if call != "wait"]
    assert calls == [4, 0, 4, 0, 4, 0]
    assert {len(times) for times in answer.values()} == {1}


def test_a_ceiling_needs_a_framework():
    with pytest.raises(RuntimeError, match="nothing was loaded yet"):
        Session().ceiling(seconds=0.01, copying=False)


def test_gradients_are_written_by_name(built, tmp_path):
    path = tmp_path / "answer without suffix"
    assert built.differentiate(4, str(path)) == {"loss": "inf"}
    with np.load(path) as arrays:
        assert set(arrays.files) == {"outputs", "gradient:dense.kernel"}
        assert arrays["gradient:dense.kernel"].tolist() == [[4], [4]]


def test_outputs_and_weights_are_written(built, tmp_path):
    built.evaluate("test", str(tmp_path / "outputs"))
    built.read_weights(str(tmp_path / "weights"))
    with np.load(tmp_path / "outputs") as arrays:
        assert arrays["outputs"].tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with np.load(tmp_path / "weights") as arrays:
        assert arrays["dense.kernel"].tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("weights", "share"),
    [
        ([1.0, 0.0], 0.0),
        ([1e-40, -1e-40, 0.0, 1.2e-38], 0.5),
        # Float64 has smaller normal numbers; what counts is what float32 would make of them.
        (np.array([1e-300, 1.0]), 0.5),
    ],
)
def test_weights_below_the_normal_numbers_are_counted(built, monkeypatch, weights, share):
    values = weights if isinstance(weights, np.ndarray) else np.array(weights, dtype=np.float32)
    monkeypatch.setattr(Diary, "weights", lambda _: {"dense.kernel": values})
    assert built.subnormals() == {"share": share}


def test_pickled_arrays_are_refused(session, files, tmp_path):
    np.savez(tmp_path / "evil.npz", train_inputs=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        session.build(JOB.to_json(), files["weights"], str(tmp_path / "evil.npz"))


def test_memory_of_host_and_device_are_told_apart(built, monkeypatch):
    assert built.memory()["device_peak_bytes"] is None
    monkeypatch.setattr(Diary, "device_memory", lambda _: DeviceMemory(5, 9))
    answer = built.memory()
    assert answer["device_peak_bytes"] == 5
    assert answer["device_reserved_bytes"] == 9
    assert answer["host"]["resident_bytes"] > 0


def test_reset_peak_says_whether_it_could(session, monkeypatch):
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    assert session.reset_peak() == {"reset": sys.platform == "linux"}
    assert frozen
