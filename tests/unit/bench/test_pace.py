from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from envdoctor.bench import pace
from envdoctor.bench.pace import Pace

PASS_NS = 5_000


class Machine:
    """A clock that only the passes move, at a speed that the test sets."""

    def __init__(self):
        self.now = 0
        self.pass_ns = PASS_NS
        self.passes = 0
        self.stalls = {}
        self.cpus = set()

    def sqrt(self, values, out):
        self.cpus.add(tuple(sorted(os.sched_getaffinity(0))))
        self.passes += 1
        self.now += self.pass_ns + self.stalls.pop(self.passes, 0)


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(pace, "perf_counter_ns", lambda: machine.now)
    monkeypatch.setattr(pace.np, "sqrt", machine.sqrt)
    return machine


def test_a_beat_takes_as_long_as_was_wanted(machine):
    assert Pace(seconds=0.02).beat() == 20_000_000
    assert Pace(seconds=0.01).beat() == 10_000_000


def test_a_slower_machine_takes_longer_for_the_same_work(machine):
    steady = Pace()
    before = machine.passes
    quick = steady.beat()
    work = machine.passes - before
    machine.pass_ns = 2 * PASS_NS
    assert steady.beat() == 2 * quick
    assert machine.passes - before == 2 * work


def test_interruptions_of_the_probes_do_not_shorten_the_work(machine):
    undisturbed = Pace().passes
    machine.passes = 0
    machine.stalls = dict.fromkeys((100, 300, 700, 900), 40_000_000)
    assert Pace().passes == undisturbed


def test_an_interruption_of_the_canary_is_not_the_speed_of_the_machine(machine):
    steady = Pace()
    quick = steady.beat()
    machine.stalls = {machine.passes + 1000 + steady.passes: 50_000_000}
    assert steady.beat() == quick


def test_it_keeps_to_its_cpu_and_gives_the_others_back(machine):
    allowed = os.sched_getaffinity(0)
    cpu = max(allowed)
    Pace(cpu).beat()
    assert machine.cpus == {(cpu,)}
    assert os.sched_getaffinity(0) == allowed


def test_a_cpu_that_is_not_allowed_is_no_reason_to_fail(machine):
    allowed = os.sched_getaffinity(0)
    Pace(max(allowed) + 4096).beat()
    assert machine.cpus == {tuple(sorted(allowed))}


def test_a_system_without_masks_is_left_alone(machine, monkeypatch):
    allowed = tuple(sorted(os.sched_getaffinity(0)))
    real = os.sched_getaffinity
    monkeypatch.delattr(pace.os, "sched_setaffinity")
    Pace(allowed[0]).beat()
    assert tuple(sorted(real(0))) == allowed
    assert machine.cpus == {allowed}


ONE_THREAD = """
import time
from envdoctor.bench.pace import Pace

steady = Pace()
own, whole = time.thread_time(), time.process_time()
for _ in range(5):
    steady.beat()
print((time.process_time() - whole) / (time.thread_time() - own))
"""


def test_the_threads_of_the_blas_have_no_part_in_it():
    # In a process of its own, since those of another test may still be spinning in this one.
    done = subprocess.run(
        [sys.executable, "-c", ONE_THREAD], capture_output=True, text=True, check=True, timeout=600
    )
    assert float(done.stdout) < 1.6  # two threads would make it 2


def test_the_input_stays_as_it_is():
    steady = Pace(seconds=0.001)
    before = steady._input.copy()
    steady.beat()
    assert np.array_equal(steady._input, before)
