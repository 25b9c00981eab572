from __future__ import annotations

import os
import subprocess
import sys
from time import perf_counter, process_time

import pytest

from envdoctor.bench import bystanders
from envdoctor.bench.bystanders import Bystanders

MS = 1_000_000


class Machine:
    """Clocks and counters that the test moves."""

    def __init__(self):
        self.wall = self.own = 0
        self.busy = self.steal = 0

    def read(self, cpus):
        assert cpus == (0, 1)
        return self.busy, self.steal


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(bystanders, "read_cpu_times", machine.read)
    monkeypatch.setattr(bystanders, "perf_counter_ns", lambda: machine.wall)
    monkeypatch.setattr(bystanders, "process_time_ns", lambda: machine.own)
    return machine


def test_what_neither_the_workers_nor_the_core_used_is_foreign(machine):
    machine.own = machine.busy = 70 * MS
    watch = Bystanders([0, 1])
    watch.begin()
    machine.wall, machine.busy, machine.own = 200 * MS, (70 + 350) * MS, (70 + 10) * MS
    found = watch.end([100 * MS, 90 * MS])
    assert (found.wall_ns, found.foreign_ns, found.steal_ns) == (200 * MS, 150 * MS, 0)


def test_of_a_worker_that_is_not_known_nothing_follows(machine):
    machine.steal = 30 * MS
    watch = Bystanders([0, 1])
    watch.begin()
    machine.wall, machine.busy, machine.steal = 200 * MS, 350 * MS, 40 * MS
    found = watch.end([100 * MS, None])
    assert (found.foreign_ns, found.steal_ns) == (None, 10 * MS)


def test_stolen_time_that_falls_counts_as_none(machine):
    machine.steal = 30 * MS
    watch = Bystanders([0, 1])
    watch.begin()
    machine.steal = 20 * MS
    assert watch.end([]).steal_ns == 0


@pytest.mark.parametrize("busy", [None, 0])
def test_what_cannot_be_read_is_not_known(machine, busy):
    watch = Bystanders([0, 1])
    watch.begin()
    machine.busy, machine.steal = busy, None
    found = watch.end([])
    assert (found.foreign_ns, found.steal_ns) == (busy, None)


BUSY = "import time\nprint(flush=True)\nwhile True: pass"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/stat")
def test_a_real_process_beside_is_seen_and_the_own_time_is_not():
    # Relative to each other, since other work may run beside the tests.
    watch = Bystanders(sorted(os.sched_getaffinity(0)))

    def count(seconds):
        watch.begin()
        begun, cpu = perf_counter(), process_time()
        while perf_counter() - begun < seconds:
            pass
        assert process_time() - cpu > 0.1 * seconds
        return watch.end([]).foreign_ns

    alone = min(count(0.3) for _ in range(3))
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        beside = max(count(0.3) for _ in range(3))
        process.kill()
    assert beside > alone + 100 * MS
