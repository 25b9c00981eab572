"""The kit sees what breaks a requirement: faulty trainers in this process, told apart by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from unittest import SkipTest
from uuid import uuid4

import numpy as np
import psutil
import pytest

from envdoctor.api import Backend, Mode
from envdoctor.bench.parity.diagnosis import Side
from envdoctor.bench.plan import PlannedRow, oracle_row
from envdoctor.bench.prove import Oracle
from envdoctor.child.contract import Data, Unsupported
from envdoctor.child.job import Setting
from envdoctor.errors import InputError
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import WorkerEnded
from envdoctor.testing import (
    REQUIREMENTS,
    Case,
    NotApplicable,
    NotConforming,
    Requirement,
    Verdict,
    __main__,
    clock,
    conformance_cases,
    files,
    proofs,
    record,
    refusals,
    report,
    resources,
    training,
)
from envdoctor.testing.ground import Ground
from envdoctor.testing.subject import Subject

FP64 = Setting("numpy", "fp64")


class InProcess:
    """A trainer class asked as a worker is asked, endings included."""

    def __init__(self, trainer_class):
        self.trainer_class = trainer_class

    def build(self, job, weights, data):
        with endings():
            self.trainer = self.trainer_class(job, weights)
            self.trainer.stage(Data(**data))

    def steps(self, batches):
        losses = []
        with endings():
            for batch in batches:
                self.trainer.step(batch)
                losses.append(self.trainer.loss())
        return [1_000_000] * len(losses), losses

    def differentiate(self, batch):
        with endings():
            found = self.trainer.differentiate(batch)
        return found.loss, np.copy(found.outputs), {k: np.copy(v) for k, v in found.tensors.items()}

    def weights(self):
        return {name: np.copy(value) for name, value in self.trainer.weights().items()}

    def evaluate(self, split):
        return np.copy(self.trainer.outputs(split)), 0.0

    def ask(self, request, setting, **_):
        assert request == "load"
        with endings():
            self.trainer_class.start(Setting(**setting))


@contextmanager
def endings():
    """Exceptions as the channel tells them."""
    try:
        yield
    except Unsupported as reason:
        raise WorkerEnded(Outcome(status="unsupported", reason=str(reason))) from reason
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise WorkerEnded(Outcome(status="failed", reason=text)) from error


class Near(Ground):
    """A ground without processes, around one worker."""

    families = ("mlp-tiny",)
    host = SimpleNamespace(cpus=(0,))

    def __init__(self, ground, expected, worker):
        self.__dict__.update(vars(ground), _supported={})
        self.expected, self.worker = expected, worker

    def worker_of(self, _):
        return self.worker

    def drop_worker(self):
        pass


class Here(Subject):
    """A subject whose fresh workers are in this process too."""

    @contextmanager
    def fresh_worker(self, setting):
        yield self.worker


@pytest.fixture(scope="module")
def ground():
    """The workloads, prepared once."""
    return Ground()


@pytest.fixture(scope="module")
def expected(ground, plugins, numpy_trainer):
    """The oracle's evidence, found in this process."""

    class Here(Oracle):
        side = Side(InProcess(numpy_trainer), FP64)

    oracle = Here(SimpleNamespace(cpus=(0,)), oracle_row(plugins))
    return cache(lambda name: oracle.expect(ground.prepared(name)))


@pytest.fixture
def make(ground, expected, plugins):
    """A subject around a trainer class, or around a worker that answers from a script."""

    def subject(trainer=None, worker=None, backend=None, module="envdoctor_numpy.plugin"):
        row = oracle_row(plugins)
        if backend is not None:
            row = PlannedRow(backend, backend.modes[0], sys.executable, own=True)
        return Here(Near(ground, expected, worker or InProcess(trainer)), row, module)

    return subject


def backend(**changes):
    given = {
        "name": "mine",
        "summary": "something",
        "module": "numpy",
        "distributions": ("numpy",),
        "trainer": "envdoctor_numpy.trainer:Trainer",
        "modes": (Mode(name="plain", summary="as it is"),),
    }
    return Backend(**{**given, **changes})


@pytest.mark.parametrize(
    "requirement",
    [
        proofs.faults_show,
        training.weights_are_kept,
        training.differentiating_is_pure,
        training.precision_is_kept,
        training.repeats,
        training.outputs_cover_all,
        refusals.are_told,
    ],
    ids=lambda function: function.__name__,
)
def test_the_reference_keeps_it(requirement, make, numpy_trainer):
    assert requirement(make(numpy_trainer))


class Rounds:
    def weights(self):
        return {name: value * np.float32(1.001) for name, value in super().weights().items()}


class Renames:
    def weights(self):
        return {f"model/{name}": value for name, value in super().weights().items()}


class Trains:
    def differentiate(self, batch):
        found = super().differentiate(batch)
        outputs, tensors = found.outputs.copy(), {k: v.copy() for k, v in found.tensors.items()}
        self.step(batch)
        return replace(found, outputs=outputs, tensors=tensors)


class Doubles:
    def differentiate(self, batch):
        found = super().differentiate(batch)
        return replace(found, outputs=found.outputs.astype(np.float64))


class Slow:
    def __init__(self, job, weights):
        rate = job.optimizer.learning_rate / 2
        slow = replace(job.optimizer, learning_rate=rate)
        super().__init__(replace(job, optimizer=slow), weights)


class Drops:
    def outputs(self, split):
        return super().outputs(split)[:-1]


class Shuffles:
    def outputs(self, split):
        return np.roll(super().outputs(split), 1, axis=0)


class Stubborn:
    def __init__(self, job, weights):
        stubborn = replace(job.optimizer, momentum=0.9)
        super().__init__(replace(job, optimizer=stubborn), weights)


class Guesses:
    def __init__(self, job, weights):
        known = {"cross_entropy", "inner_product"}
        loss = job.workload.loss if job.workload.loss in known else "cross_entropy"
        super().__init__(replace(job, workload=replace(job.workload, loss=loss)), weights)


class Stumbles:
    @staticmethod
    def start(setting):
        {"cpu": 0}[setting.device]


FAULTS = {
    "weights rounded": (Rounds, training.weights_are_kept, "with other values"),
    "weights renamed": (Renames, training.weights_are_kept, "the names differ"),
    "a step in the gradient": (Trains, training.differentiating_is_pure, "then"),
    "float64 results": (Doubles, training.precision_is_kept, "`outputs` is float64"),
    "half the rate": (Slow, training.repeats, "are off by"),
    "a sample too few": (Drops, training.outputs_cover_all, "(359, 10), not (360, 10)"),
    "outputs of the neighbour": (Shuffles, training.outputs_cover_all, "in another order"),
    "a momentum of its own": (Stubborn, proofs.faults_show, "no momentum makes no difference"),
    "a loss of its own": (Guesses, refusals.are_told, "an unknown loss is accepted"),
    "a bare KeyError": (Stumbles, refusals.are_told, "an unknown device ends in `KeyError"),
}
"""A fault to be mixed into a sound trainer, who must see it, and what is said then."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_trainer_is_seen(fault, make, numpy_trainer):
    mixed_in, requirement, said = FAULTS[fault]
    trainer = type("Faulty", (mixed_in, numpy_trainer), {})
    with pytest.raises(NotConforming) as seen:
        requirement(make(trainer))
    assert said in str(seen.value)


class Scripted(InProcess):
    """A worker that answers what it was told to."""

    def __init__(self, trainer_class, **answers):
        super().__init__(trainer_class)
        self.answers = answers

    def block(self, *_):
        return self.answers["blocks"].pop(0)

    def probe_clock(self, *_):
        return self.answers["clock"]

    def ask(self, *_):
        return {"reset": True}

    def memory(self):
        return {"host": {"peak_bytes": self.answers["peaks"].pop(0)}, "device_peak_bytes": None}

    def load(self):
        pass

    def family(self):
        return self.answers["family"]

    def stop(self):
        pass


def clock_answer(**changes):
    honest = {"single_ns": 30, "double_ns": 60, "single_cpu_ns": 30, "double_cpu_ns": 60}
    quick = {"second_wait_ns": 0, "read_at_once_ns": 1, "read_later_ns": 1}
    return {name: [value * 10**6] * 2 for name, value in {**honest, **quick, **changes}.items()}


@pytest.mark.parametrize(
    ("requirement", "answers", "said"),
    [
        (clock.is_steady, {"blocks": [{"compilations": 2}, {"compilations": 5}]}, "3 programs"),
        (clock.sees_the_work, {"clock": clock_answer(second_wait_ns=20)}, "before the work"),
        (clock.sees_the_work, {"clock": clock_answer(read_at_once_ns=40)}, "before the work"),
        (clock.sees_the_work, {"clock": clock_answer(double_ns=31, double_cpu_ns=31)}, "1.03x"),
        (resources.memory_moves, {"peaks": [10**8, 10**8 + 10**6]}, "rises by 1.0 MB for 4."),
        (resources.threads_are_kept, {"blocks": [{"cpu_ns": 19, "wall_ns": 10}]}, "uses 1.9 CPUs"),
    ],
)
def test_what_a_worker_tells_is_judged(requirement, answers, said, make, numpy_trainer):
    with pytest.raises(NotConforming) as seen:
        requirement(make(worker=Scripted(numpy_trainer, **answers)))
    assert said in str(seen.value)


@pytest.mark.parametrize(
    ("requirement", "answers"),
    [
        (clock.is_steady, {"blocks": [{"compilations": 2}, {"compilations": 2}]}),
        (clock.sees_the_work, {"clock": clock_answer()}),
        (resources.memory_moves, {"peaks": [10**8, 10**8 + 10**7]}),
        (resources.threads_are_kept, {"blocks": [{"cpu_ns": 11, "wall_ns": 10}]}),
        (resources.ends_cleanly, {"family": []}),
    ],
)
def test_and_an_honest_one_passes(requirement, answers, make, numpy_trainer):
    assert requirement(make(worker=Scripted(numpy_trainer, **answers)))


def test_without_compilations_there_is_nothing_to_be_steady(make, numpy_trainer):
    worker = Scripted(numpy_trainer, blocks=[{"compilations": None}] * 2)
    with pytest.raises(NotApplicable):
        clock.is_steady(make(worker=worker))


def test_an_orphan_is_seen_and_named(make, numpy_trainer, monkeypatch):
    monkeypatch.setattr(resources, "DEATH_SECONDS", 0.05)
    orphan = subprocess.Popen(["sleep", "60"])
    try:
        worker = Scripted(numpy_trainer, family=[psutil.Process(orphan.pid)])
        with pytest.raises(NotConforming, match="outlive it: sleep"):
            resources.ends_cleanly(make(worker=worker))
    finally:
        orphan.kill()
        orphan.wait()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "My Backend"}, "`My Backend` is no name"),
        ({"trainer": "trainer"}, "is no package.module:Class"),
        ({"precisions": ("fp64",)}, "`fp32` is not among"),
        ({"distributions": ()}, "no distribution"),
        ({"summary": ""}, "no summary"),
        ({"modes": (Mode(name="a", summary="b", exact="c"),)}, "proven by `c`"),
        ({"modes": (Mode(name="a", summary="b"),) * 2}, "two modes"),
    ],
)
def test_a_careless_record_is_seen(changes, said, make):
    with pytest.raises(NotConforming) as seen:
        record.is_complete(make(worker=object(), backend=backend(**changes)))
    assert said in str(seen.value)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (lambda _: {"THREADS": 2}, "THREADS is 2"),
        (lambda _: {"MY THREADS": "2"}, "no name of a variable"),
        (lambda _: {"ENVDOCTOR_CPUS": "0"}, "belongs to envdoctor"),
        (lambda _: os.environ.update(MARK_OF_A_PLUGIN="1") or {}, "variables of its caller"),
    ],
)
def test_variables_that_cannot_be_set_are_seen(environment, said, make, monkeypatch):
    monkeypatch.setenv("MARK_OF_A_PLUGIN", "0")
    with pytest.raises(NotConforming) as seen:
        record.variables_are_valid(make(worker=object(), backend=backend(environment=environment)))
    assert said in str(seen.value)


@pytest.fixture
def package(tmp_path, monkeypatch, make):
    """Writes the package of a plugin, under a name that was never imported; its subject."""

    def write(**texts):
        name = f"envdoctor_{uuid4().hex}"
        folder = tmp_path / name
        folder.mkdir()
        for file, text in {"__init__": "", "plugin": "", "trainer": "", **texts}.items():
            (folder / f"{file}.py").write_text(text.replace("PACKAGE", name))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        mine = backend(trainer=f"{name}.trainer:Trainer")
        return make(worker=object(), backend=mine, module=f"{name}.plugin")

    return write


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import numpy", "plugin imports numpy"),
        ("from PACKAGE import trainer", ".trainer"),
        ("import nobody_has_this", "No module named 'nobody_has_this'"),
    ],
)
def test_a_heavy_plugin_is_seen(text, said, package):
    with pytest.raises(NotConforming) as seen:
        files.plugin_is_light(package(plugin=text))
    assert said in str(seen.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("match x:\n case 1: pass", "trainer.py, line"),
        ("\nzip(a, b, strict=True)", "trainer.py, line 2: Python 3.9 has no `strict`"),
        ("Shape = int | None", "no `| None`"),
        ("from typing import Self", "no `Self`"),
    ],
)
def test_a_trainer_for_a_newer_python_is_seen(text, said, package):
    # The plugin module itself stays where envdoctor is, so it may be newer.
    with pytest.raises(NotConforming) as seen:
        files.syntax_is_old(package(trainer=text, plugin="from typing import Self"))
    assert said in str(seen.value)


def test_a_healthy_package_passes(package):
    text = "from __future__ import annotations\ndef f(x: int | None) -> None: ..."
    subject = package(trainer=text)
    assert files.syntax_is_old(subject) == "2 files"
    assert files.plugin_is_light(subject)


@dataclass(frozen=True)
class Ends:
    """A requirement that ends in something."""

    ending: BaseException

    def __call__(self, _):
        raise self.ending


def ended(status):
    return WorkerEnded(Outcome(status=status, reason="for a reason"))


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (NotConforming("for a reason"), "failed"),
        (NotApplicable("for a reason"), "not applicable"),
        (ended("failed"), "failed"),
        (ended("crashed"), "failed"),
        (ended("unsupported"), "not applicable"),
    ],
)
def test_every_ending_is_a_verdict(ending, status, make):
    case = Case(make(worker=object()), Requirement("one", "it is so", Ends(ending)))
    assert case.judge() == Verdict(
        row="numpy", requirement="one", status=status, detail="for a reason"
    )


def test_a_case_is_a_failure_or_a_skip_to_any_runner(make):
    subject = make(worker=object())
    with pytest.raises(AssertionError, match="for a reason"):
        Case(subject, Requirement("one", "", Ends(ended("crashed")))).run()
    with pytest.raises(SkipTest, match="for a reason"):
        Case(subject, Requirement("one", "", Ends(ended("unsupported")))).run()


def test_making_cases_starts_nothing():
    before = psutil.Process().children()
    cases = conformance_cases("numpy")
    assert [str(case) for case in cases] == [f"numpy {each.name}" for each in REQUIREMENTS]
    assert {child.pid for child in psutil.Process().children()} <= {p.pid for p in before}


def test_unknown_names_are_told():
    with pytest.raises(InputError, match="no backend called `nunpy`"):
        conformance_cases("nunpy")
    with pytest.raises(InputError, match="no requirement called `sink`"):
        conformance_cases("numpy", requirements=["sink"])


def test_the_report_is_a_line_each_and_a_conclusion():
    verdicts = [
        Verdict(row="mine", requirement="sync", status="passed", detail="2.0"),
        Verdict(row="mine", requirement="memory", status="failed", detail="too little"),
    ]
    assert report.line(verdicts[1], 8) == "  failed          memory    too little"
    said = "mine earns no certificate: 1 passed, 1 failed, 0 not applicable."
    assert report.conclusion(verdicts) == said
    assert report.conclusion(verdicts[:1]).startswith("mine earns the certificate")


def test_the_command_has_three_codes(capsys):
    assert __main__.run(["numpy", "--only", "record", "--only", "light"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in out[1:3]] == [["passed", "record"], ["passed", "light"]]
    assert __main__.run(["nunpy"]) == 2
    assert "Did you mean `numpy`?" in capsys.readouterr().err
    assert __main__.run(["numpy", "--only", "sink"]) == 2
    assert __main__.run([]) == 2


def test_the_command_speaks_json(capsys):
    assert __main__.run(["numpy", "--only", "record", "--format", "json"]) == 0
    (verdict,) = json.loads(capsys.readouterr().out)
    assert (verdict["requirement"], verdict["status"]) == ("record", "passed")
