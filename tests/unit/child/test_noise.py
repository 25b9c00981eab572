from __future__ import annotations

import hashlib
import os
import sys
import threading
import time

import pytest
from msgspec import convert

from envdoctor.child import noise
from envdoctor.child.noise import NoiseMeter
from envdoctor.model.cell import Noise

SPIN_SECONDS = 0.15
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
STAT = """\
cpu  900 0 900 9000 0 0 0 90 0 0
cpu0 100 1 20 5000 7 2 3 4 50 0
cpu1 200 2 40 5000 7 4 6 8 50 0
cpu10 9 9 9 9 9 9 9 9 9 9
intr 5 0 0
"""
LATER = """\
cpu  999 0 999 9999 0 0 0 99 0 0
cpu0 110 1 21 5090 7 2 4 5 55 0
cpu1 220 2 40 5090 7 6 6 10 55 0
cpu10 99 99 99 99 99 99 99 99 99 99
intr 9 0 0
"""
PRESSURE = "some avg10=1.47 avg60=0.79 avg300=0.41 total={}\nfull avg10=0.00 total=7\n"
THROTTLED = "usage_usec 12\nnr_periods 9\nnr_throttled {}\nthrottled_usec 6\n"


@pytest.fixture
def machine(tmp_path):
    """Writes files below a folder of its own: `proc/...` and `groups/...`."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    write({"proc/self/task/1/schedstat": "10 0 1\n"})
    return write


def meter_of(folder, cpus=(0, 1)):
    return NoiseMeter(cpus, str(folder / "proc"), str(folder / "groups"))


def delays(**threads):
    return {
        f"proc/self/task/{name[1:]}/schedstat": f"99 {delay} 3\n" for name, delay in threads.items()
    }


def test_the_difference_of_each_counter_is_counted(machine):
    folder = machine(
        {
            **delays(t1=1000, t2=50),
            "proc/stat": STAT,
            "proc/pressure/cpu": PRESSURE.format(400),
            "proc/self/cgroup": "0::/app\n",
            "groups/app/cpu.stat": THROTTLED.format(2),
        }
    )
    meter = meter_of(folder)
    meter.begin()
    machine(
        {
            **delays(t1=1700, t2=51),
            "proc/stat": LATER,
            "proc/pressure/cpu": PRESSURE.format(450),
            "groups/app/cpu.stat": THROTTLED.format(5),
        }
    )
    found = meter.end()
    assert found.pop("involuntary_switches") >= 0
    assert found == {
        "run_delay_ns": 701,
        # user, system, irq and softirq of both; never idle, waiting, stolen or guests.
        "busy_ns": (10 + 1 + 1 + 20 + 2) * TICK_NS,
        "steal_ns": 3 * TICK_NS,
        "throttled": 3,
        "pressure_ns": 50_000,
    }


def test_only_the_cpus_of_the_budget_count(machine):
    meter = meter_of(machine({"proc/stat": STAT}), cpus=(1,))
    meter.begin()
    machine({"proc/stat": LATER})
    assert meter.end()["busy_ns"] == 22 * TICK_NS


def test_a_block_is_counted_from_its_own_begin(machine):
    meter = meter_of(machine({**delays(t1=100), "proc/stat": STAT}))
    for delay in (130, 190):
        meter.begin()
        machine(delays(t1=delay))
        found = meter.end()
    assert found["run_delay_ns"] == 60
    assert found["busy_ns"] == 0


def test_a_thread_that_appears_counts_from_its_birth(machine):
    meter = meter_of(machine(delays(t1=100)))
    meter.begin()
    machine(delays(t1=101, t7=40))
    assert meter.end()["run_delay_ns"] == 41


def test_a_thread_that_ends_takes_nothing_away(machine):
    folder = machine(delays(t1=100, t7=5000))
    meter = meter_of(folder)
    meter.begin()
    machine(delays(t1=103))
    (folder / "proc/self/task/7/schedstat").unlink()
    assert meter.end()["run_delay_ns"] == 3


def test_a_number_that_was_given_again_is_another_thread(machine):
    meter = meter_of(machine(delays(t1=100, t7=5000)))
    meter.begin()
    machine(delays(t1=100, t7=20))
    assert meter.end()["run_delay_ns"] == 20


def test_a_steal_counter_that_falls_has_stolen_nothing(machine):
    meter = meter_of(machine({"proc/stat": LATER}))
    meter.begin()
    machine({"proc/stat": STAT})
    assert meter.end()["steal_ns"] == 0


@pytest.mark.parametrize(
    ("membership", "files", "throttled"),
    [
        ("0::/pod/app\n", {"pod/app/cpu.stat": 1}, 1),
        # A quota further up stops this group as well.
        ("0::/pod/app\n", {"pod/app/cpu.stat": 0, "pod/cpu.stat": 4}, 4),
        ("0::/pod/app\n", {"pod/other/cpu.stat": 4}, None),
        ("5:cpu,cpuacct:/pod\n0::/\n", {"cpu,cpuacct/pod/cpu.stat": 2}, 2),
        ("5:cpu,cpuacct:/pod\n", {"cpu/pod/cpu.stat": 2}, 2),
        ("5:cpuset:/pod\n", {"cpuset/pod/cpu.stat": 2}, None),
        # Inside a container, the membership names a path of the host.
        ("0::/host/path\n", {"cpu.stat": 3}, 3),
        ("0::/../outside\n", {"cpu.stat": 3}, 3),
        ("", {}, None),
    ],
)
def test_the_quota_of_the_own_group_is_watched(machine, membership, files, throttled):
    paths = {f"groups/{name}": count for name, count in files.items()}
    folder = machine({name: THROTTLED.format(0) for name in paths})
    machine({"proc/self/cgroup": membership})
    meter = meter_of(folder)
    meter.begin()
    machine({name: THROTTLED.format(count) for name, count in paths.items()})
    assert meter.end()["throttled"] == throttled


def test_what_cannot_be_read_is_none(tmp_path):
    meter = meter_of(tmp_path / "nowhere")
    meter.begin()
    found = meter.end()
    del found["involuntary_switches"]
    assert set(found.values()) == {None}
    assert len(found) == 5


@pytest.mark.parametrize(
    ("files", "name"),
    [
        # What a kernel that does not count writes, even for the thread that is reading.
        ({"proc/self/task/1/schedstat": "0 0 0\n"}, "run_delay_ns"),
        ({"proc/self/task/1/schedstat": "garbage\n"}, "run_delay_ns"),
        ({"proc/stat": STAT.replace("cpu1 ", "cpu9 ")}, "busy_ns"),
        ({"proc/stat": "cpu0 1 2\ncpu1 1 2\n"}, "busy_ns"),
        ({"proc/stat": "cpu0 a b c d e f g h\ncpu1 1 2\n"}, "steal_ns"),
        ({"proc/stat": ""}, "steal_ns"),
        ({"proc/pressure/cpu": "full total=4\n"}, "pressure_ns"),
        ({"proc/pressure/cpu": "some total=\n"}, "pressure_ns"),
    ],
)
def test_what_makes_no_sense_is_none(machine, files, name):
    meter = meter_of(machine(files))
    meter.begin()
    assert meter.end()[name] is None


def test_no_cpus_have_no_load(machine):
    meter = meter_of(machine({"proc/stat": STAT}), cpus=())
    meter.begin()
    assert meter.end()["busy_ns"] is None


def test_a_file_that_is_gone_at_the_end_is_none(machine):
    folder = machine({"proc/stat": STAT, "proc/pressure/cpu": PRESSURE.format(1)})
    meter = meter_of(folder)
    meter.begin()
    (folder / "proc/stat").unlink()
    (folder / "proc/self/task/1/schedstat").unlink()
    found = meter.end()
    assert found["busy_ns"] is None
    assert found["run_delay_ns"] is None
    assert found["pressure_ns"] == 0


def test_the_record_takes_what_the_meter_gives():
    meter = NoiseMeter(sorted(os.sched_getaffinity(0)))
    meter.begin()
    found = meter.end()
    others = {"gpu_throttled", "watched_ns", "watched_cpu_ns"}
    assert set(found) == set(Noise.__struct_fields__) - others
    assert convert(found, Noise) == Noise(**found)


def test_without_the_module_there_are_no_switches(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "resource", None)
    meter = meter_of(tmp_path)
    meter.begin()
    assert meter.end()["involuntary_switches"] is None


@pytest.mark.skipif(sys.platform != "linux", reason="noise is read from /proc")
def test_threads_that_share_one_cpu_wait_for_it():
    # Three threads on one CPU: while one runs, two wait, whatever else the machine does.
    cpu = min(os.sched_getaffinity(0))
    done, release = threading.Barrier(4), threading.Event()
    work = [threading.Thread(target=_spin, args=(cpu, done, release)) for _ in range(3)]
    meter = NoiseMeter([cpu])
    meter.begin()
    for thread in work:
        thread.start()
    done.wait()
    found = meter.end()
    release.set()
    for thread in work:
        thread.join()
    assert found["run_delay_ns"] > SPIN_SECONDS * 1e9
    assert found["busy_ns"] > 0.3 * SPIN_SECONDS * 1e9


def _spin(cpu, done, release):
    # On Linux, 0 names the calling thread, and no other.
    os.sched_setaffinity(0, {cpu})
    block = bytes(1 << 20)
    deadline = time.perf_counter() + SPIN_SECONDS
    while time.perf_counter() < deadline:
        hashlib.sha256(block)
    done.wait()
    release.wait()


def test_a_thread_that_ends_while_it_is_read_is_left_out(machine, monkeypatch):
    meter = meter_of(machine(delays(t1=5)))
    real = os.listdir
    monkeypatch.setattr(noise.os, "listdir", lambda path: [*real(path), "777"])
    meter.begin()
    machine(delays(t1=9))
    assert meter.end()["run_delay_ns"] == 4
