"""A subject of the kit around a trainer in this process, or around a scripted worker."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from envdoctor.api import Backend, Mode
from envdoctor.bench.parity.diagnosis import Side
from envdoctor.bench.plan import PlannedRow, oracle_row
from envdoctor.bench.prove import Oracle
from envdoctor.child.contract import Data, Unsupported
from envdoctor.child.setting import Setting
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import WorkerEnded
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

    def load(self):
        pass

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

    def __init__(self, ground, oracle, expected, worker):
        self.__dict__.update(vars(ground), _supported={}, oracle=oracle)
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
def oracle(plugins, numpy_trainer):
    """The reference, in this process."""

    class Here(Oracle):
        side = Side(InProcess(numpy_trainer), FP64)

    return Here(SimpleNamespace(cpus=(0,)), oracle_row(plugins))


@pytest.fixture(scope="module")
def expected(ground, oracle):
    """The oracle's evidence."""
    return cache(lambda name: oracle.expect(ground.prepared(name)))


@pytest.fixture
def make(ground, oracle, expected, plugins):
    """A subject around a trainer class, or around a worker that answers from a script."""

    def subject(trainer=None, worker=None, backend=None, module="envdoctor_numpy.plugin"):
        row = oracle_row(plugins)
        if backend is not None:
            row = PlannedRow(backend, backend.modes[0], sys.executable, own=True)
        return Here(Near(ground, oracle, expected, worker or InProcess(trainer)), row, module)

    return subject


@pytest.fixture(scope="session")
def backend():
    """Makes a sound record with some of it changed."""
    return made_backend


@pytest.fixture(scope="session")
def scripted():
    """The class of workers that answer what they were told to."""
    return Scripted


def made_backend(**changes):
    given = {
        "name": "mine",
        "summary": "something",
        "module": "numpy",
        "distributions": ("numpy",),
        "trainer": "envdoctor_numpy.trainer:Trainer",
        "modes": (Mode(name="plain", summary="as it is"),),
    }
    return Backend(**{**given, **changes})


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
