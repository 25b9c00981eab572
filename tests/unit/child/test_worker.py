from __future__ import annotations

import threading
from multiprocessing import Pipe

import pytest

from envdoctor.child import protocol, worker
from envdoctor.child.contract import Unsupported

ENDINGS = {
    "raise": ValueError("a sentence\nand more"),
    "exit": SystemExit(3),
    "interrupt": KeyboardInterrupt(),
    "cannot": Unsupported("no kernel for this"),
    "full": MemoryError(),
    "cuda": RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
    "xla": RuntimeError("RESOURCE_EXHAUSTED: Failed to allocate"),
    "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
    "long": ValueError("x" * 100_000),
}


def end(name):
    raise ENDINGS[name]


@pytest.fixture
def core(monkeypatch):
    """The core's end of a conversation with a worker that runs in a thread here."""
    handlers = {"add": lambda a, b: {"sum": a + b}, "end": end}
    monkeypatch.setattr(worker, "_load_handlers", lambda: handlers)
    here, there = Pipe()
    thread = threading.Thread(target=worker.serve, args=(there,))
    thread.start()

    def ask(**message):
        protocol.send(here, message)
        assert here.poll(10.0)
        return protocol.receive(here)

    yield ask
    protocol.send(here, {"request": "stop"})
    thread.join(10.0)
    here.close()
    there.close()
    assert not thread.is_alive()


def test_an_answer_is_what_the_handler_returns(core):
    assert core(request="add", a=1, b=2) == {"ok": {"sum": 3}}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("raise", "failed"),
        ("exit", "failed"),
        ("interrupt", "failed"),
        ("cannot", "unsupported"),
        ("full", "out_of_memory"),
        ("cuda", "out_of_memory"),
        ("xla", "out_of_memory"),
        ("cublas", "out_of_memory"),
    ],
)
def test_whatever_is_raised_becomes_an_answer(core, name, status):
    error = core(request="end", name=name)["error"]
    assert error["status"] == status
    assert error["kind"] == type(ENDINGS[name]).__name__
    assert error["text"] == str(ENDINGS[name])
    assert error["traceback"].startswith("Traceback")


def test_the_worker_goes_on_after_an_error(core):
    core(request="end", name="raise")
    assert core(request="add", a=1, b=1) == {"ok": {"sum": 2}}


def test_an_endless_message_is_cut(core):
    error = core(request="end", name="long")["error"]
    assert len(error["text"]) == 2000
    assert len(error["traceback"]) == 8000


@pytest.mark.parametrize("message", [{"request": "fly"}, {"request": "add", "c": 1}])
def test_a_request_that_nobody_knows_is_an_error(core, message):
    assert core(**message)["error"]["status"] == "failed"


def test_a_broken_numpy_is_an_answer_too(core, monkeypatch):
    def fail():
        raise ImportError("numpy: wrong architecture")

    monkeypatch.setattr(worker, "_load_handlers", fail)
    assert core(request="add")["error"]["kind"] == "ImportError"
