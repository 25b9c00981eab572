from __future__ import annotations

import ctypes
import mmap
import subprocess
import sys

import pytest

from envdoctor.child import memory
from envdoctor.child.memory import give_back, read_memory, reset_peak

MEGABYTE = 2**20
TAKEN = 200 * MEGABYTE
PIECE = 60_000
"""Small enough that the C library takes it from its heap, and not from the system."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def touch_and_free():
    """Occupy 200 MB and give them back to the system."""
    with mmap.mmap(-1, TAKEN) as taken:
        for place in range(0, TAKEN, mmap.PAGESIZE):
            taken[place] = 1
        return read_memory()


def test_a_peak_is_seen_and_forgotten_after_a_reset():
    assert reset_peak()
    before = read_memory()
    during = touch_and_free()
    after = read_memory()
    assert during["resident_bytes"] - before["resident_bytes"] > 0.9 * TAKEN
    assert after["peak_bytes"] - before["peak_bytes"] > 0.9 * TAKEN
    assert reset_peak()
    assert after["peak_bytes"] - read_memory()["peak_bytes"] > 0.9 * TAKEN


def test_the_peak_is_never_below_the_present():
    found = read_memory()
    # The kernel keeps these counters per processor and adds them up lazily.
    assert found["peak_bytes"] > found["resident_bytes"] - MEGABYTE
    assert found["resident_bytes"] > MEGABYTE


FREE = f"""
from envdoctor.child.memory import give_back, read_memory
resident = lambda: read_memory()["resident_bytes"]
before = resident()
pieces = [bytes({PIECE}) for _ in range({TAKEN // PIECE})]
held = [pieces.pop(), pieces.pop(0)]  # the heap cannot shrink below these by itself
del pieces
print(resident() - before)
print(give_back())
print(resident() - before)
"""


def test_what_was_freed_inside_the_heap_goes_back_to_the_system():
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("the C library is not glibc")
    # In a process of its own: the heap of this one may have room for all of it.
    command = [sys.executable, "-c", FREE]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    freed, given, kept = finished.stdout.split()
    assert int(freed) > 0.5 * TAKEN, "nothing to give back: the test shows nothing"
    assert given == "True"
    assert int(kept) < 0.1 * TAKEN


def test_without_glibc_nothing_is_given_back(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert give_back() is False


@pytest.fixture
def no_proc(monkeypatch):
    def refuse(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(memory, "open", refuse, raising=False)


def test_without_proc_there_is_no_number(no_proc):
    assert read_memory() is None
    assert reset_peak() is False
