from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import HostMemory, Limits, Platform, Processor

MIB, GIB = 1 << 20, 1 << 30
OLD = Processor(model="Celeron N4505", flags=("sse4_2",), logical=2, allowed=(0, 1))


def x86(**fields: Any) -> Platform:
    return Platform(**{"system": "Linux", "architecture": "x86_64", **fields})


@pytest.mark.parametrize("name", ["tensorflow", "tensorflow-cpu", "jaxlib"])
def test_a_processor_without_avx(name, run, snapshot, machine, environment):
    there = environment({name: "2.20.0"})
    sick = snapshot(machine=machine(processor=OLD, platform=x86()), environment=there)
    (found,) = run("cpu-lacks-avx", sick)
    assert found.status == "fail"
    assert "Celeron N4505" in found.evidence[0].fact
    virtual = machine(processor=OLD, platform=x86(virtual_machine="hyper-v"))
    (found,) = run("cpu-lacks-avx", snapshot(machine=virtual, environment=there))
    assert "hyper-v" in found.remedies[0].text


def test_avx_is_asked_of_x86_and_of_those_who_need_it(run, snapshot, machine, environment):
    tensorflow = environment({"tensorflow": "2.20.0"})
    arm = machine(processor=OLD, platform=x86(architecture="aarch64"))
    assert run("cpu-lacks-avx", snapshot(machine=arm, environment=tensorflow)) == []
    torch = environment({"torch": "2.13.0"})
    old = machine(processor=OLD, platform=x86())
    assert run("cpu-lacks-avx", snapshot(machine=old, environment=torch)) == []
    unknown = machine(processor=Processor(model="A"), platform=x86())
    assert run("cpu-lacks-avx", snapshot(machine=unknown, environment=tensorflow)) == []


@pytest.mark.parametrize(
    ("container", "size", "told"),
    [
        ("docker", 64 * MIB, True),
        ("kubernetes", 64 * MIB, True),
        ("docker", GIB, False),
        ("docker", None, False),
        ("", 64 * MIB, False),
    ],
)
def test_shared_memory(container, size, told, run, snapshot, machine, environment):
    there = machine(platform=x86(container=container), memory=HostMemory(shared_total_bytes=size))
    found = run("shm-too-small", snapshot(machine=there, environment=environment({"torch": "2"})))
    assert bool(found) == told
    if told:
        assert found[0].status == "warn"
        assert "64 MiB" in found[0].title
    assert run("shm-too-small", snapshot(machine=there)) == []


def test_processes_that_were_killed(run, snapshot, machine):
    memory = HostMemory(total_bytes=64 * GIB, limit_bytes=4 * GIB, limit_kills=3)
    sick = machine(memory=memory, platform=x86(container="docker"))
    (found,) = run("out-of-memory-cgroup-limit", snapshot(machine=sick))
    assert found.status == "warn"
    assert "3 processes" in found.evidence[0].fact
    assert "4.0 GiB of 64.0 GiB" in found.evidence[1].fact
    assert "--memory" in found.remedies[0].command


def test_kills_without_a_limit_are_information(run, snapshot, machine):
    memory = HostMemory(total_bytes=64 * GIB, limit_kills=1)
    (found,) = run("out-of-memory-cgroup-limit", snapshot(machine=machine(memory=memory)))
    assert found.status == "info"
    none = HostMemory(total_bytes=64 * GIB, limit_bytes=GIB, limit_kills=0)
    assert run("out-of-memory-cgroup-limit", snapshot(machine=machine(memory=none))) == []


def test_kills_in_the_kernel_log_and_the_cap_of_wsl(run, snapshot, machine):
    line = "Out of memory: Killed process 4242 (python)"
    sick = machine(platform=x86(wsl=2, kernel_messages=(line,)))
    (found,) = run("out-of-memory-cgroup-limit", snapshot(machine=sick))
    assert found.status == "warn"
    assert ".wslconfig" in found.remedies[0].text


@pytest.mark.parametrize(
    ("system", "files", "processes", "subjects"),
    [
        ("Linux", 1024, 4096, []),
        ("Linux", 1023, 4096, ["open files"]),
        ("Darwin", 256, 2666, []),
        ("Linux", None, None, []),
        ("Linux", 512, 100, ["open files", "processes and threads"]),
    ],
)
def test_limits(system, files, processes, subjects, run, snapshot, machine):
    limits = Limits(open_files=files, processes=processes)
    found = run(
        "ulimit-too-low", snapshot(machine=machine(platform=Platform(system=system), limits=limits))
    )
    assert [each.subject for each in found] == subjects
    assert all(each.status == "warn" for each in found)


def test_saving_power_is_information(run, snapshot, machine):
    saving = machine(processor=Processor(governors=("performance", "powersave")))
    (found,) = run("cpu-governor-powersave", snapshot(machine=saving))
    assert found.status == "info"
    fast = machine(processor=Processor(governors=("schedutil",)))
    assert run("cpu-governor-powersave", snapshot(machine=fast)) == []
