from __future__ import annotations

import mmap
import sys

import pytest

from envdoctor.child import memory
from envdoctor.child.memory import read_memory, reset_peak

MEGABYTE = 2**20
TAKEN = 200 * MEGABYTE

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


@pytest.fixture
def no_proc(monkeypatch):
    def refuse(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(memory, "open", refuse, raising=False)


def test_without_proc_there_is_no_number(no_proc):
    assert read_memory() is None
    assert reset_peak() is False
