"""What all tests share: the shipped workloads, and a subject that lives in this process."""

from __future__ import annotations

import importlib
import os
import signal

import pytest
from hypothesis import settings

from envdoctor.child.contract import Data
from envdoctor.plugins import load_plugins
from envdoctor.workload.prepare import prepare

# A busy machine is not a failure: no example has a time limit of its own.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_configure():
    """Give each parallel process of the tests, with all its children, a CPU of its own.

    Thread pools that share their CPUs with those of another test spin against each other, and
    take ten times as long.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell starts what runs in the background so, and children inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[int(worker.removeprefix("gw")) % len(allowed)]})


LONGEST = ("torch compile", "tensorflow xla", "jax jit", "tensorflow graph")
"""Rows of the tests of backends, by how long they take."""
LAST = ("refusals", "memory", "threads", "ending")
"""Requirements that end the worker that the others of a row share."""


def _case(item):
    """The row and the requirement that a test of backends asks for; None for all other tests."""
    asked = getattr(item, "callspec", None)
    return asked.params.get("case") if asked and item.path.name == "test_backends.py" else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep a file's tests in one of the parallel processes: they share what is slow to make.

    The tests of backends, which take half of all the time, are kept together by the row that they
    ask for; the longest come first, or one process would still be at them when the others have
    ended. The groups are made before other plugins look for them, and the order after they have
    shuffled it.
    """
    for item in items:
        case = _case(item)
        path = str(item.path.relative_to(item.config.rootpath))
        group = f"{path} {case.row}" if case else path
        item.add_marker(pytest.mark.xdist_group(group))
    yield
    items.sort(key=_place)


def _place(item):
    case = _case(item)
    if case is None:
        return (len(LONGEST) + 1, "", 0)
    rank = LONGEST.index(case.row) if case.row in LONGEST else len(LONGEST)
    name = case.requirement.name
    return (rank, case.row, LAST.index(name) + 1 if name in LAST else 0)


class InProcess:
    """A trainer class asked as a worker would be, without a process."""

    def __init__(self, trainer_class):
        self.trainer_class = trainer_class

    def build(self, job, weights, data):
        self.trainer = self.trainer_class(job, weights)
        self.trainer.stage(Data(**data))

    def steps(self, batches):
        losses = []
        for batch in batches:
            self.trainer.step(batch)
            self.trainer.wait()
            losses.append(self.trainer.loss())
        return [], losses

    def differentiate(self, batch):
        found = self.trainer.differentiate(batch)
        return found.loss, found.outputs, found.tensors

    def weights(self):
        return dict(self.trainer.weights())


@pytest.fixture(scope="session")
def in_process():
    return InProcess


@pytest.fixture(scope="session")
def numpy_trainer():
    return importlib.import_module("envdoctor_numpy.trainer").Trainer


@pytest.fixture(scope="session")
def plugins():
    return load_plugins(strangers=False)


@pytest.fixture(scope="session")
def prepared(plugins):
    """Shipped workloads by name, each prepared once."""
    paths = {file.name: file.path for file in plugins.workload_files()}
    found = {}

    def by_name(name):
        if name not in found:
            found[name] = prepare(paths[name], plugins.data_sets(), seed=0)
        return found[name]

    return by_name
