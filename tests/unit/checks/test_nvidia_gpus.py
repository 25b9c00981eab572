from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import GpuProcess

GIB = 1 << 30
BUSY = (GpuProcess(pid=4242, used_bytes=18 * GIB),)


def on(gpu_, nvidia, machine, snapshot, **parts: Any) -> Any:
    return snapshot(machine=machine(nvidia=nvidia(gpus=(gpu_,))), **parts)


def test_memory_that_others_hold(run, gpu, nvidia, machine, snapshot, environment, framework):
    there = environment(frameworks={"torch": framework("torch", "2.13.0", cuda="13.0")})
    full = gpu(used_bytes=18 * GIB, processes=BUSY)
    (found,) = run(
        "gpu-memory-held-by-other-process", on(full, nvidia, machine, snapshot, environment=there)
    )
    assert found.title == "18.0 GiB of 24.0 GiB of GPU 0 (NVIDIA GeForce RTX 4090) are taken"
    query, batch, precision, allocator = found.remedies
    assert query.command.startswith("nvidia-smi --query-compute-apps")
    assert "kill" not in query.command
    assert "6.0 GiB" in batch.text
    assert "25%" in batch.text
    assert "bfloat16" in precision.text
    assert "expandable_segments" in allocator.command


@pytest.mark.parametrize(
    "fields",
    [
        {"used_bytes": 11 * GIB, "processes": BUSY},
        {"used_bytes": 18 * GIB, "processes": ()},
        {"used_bytes": 18 * GIB, "processes": BUSY, "mig": True},
        {"used_bytes": None, "total_bytes": None},
    ],
)
def test_memory_that_is_free_enough_or_not_known(fields, run, gpu, nvidia, machine, snapshot):
    given = on(gpu(**fields), nvidia, machine, snapshot)
    assert run("gpu-memory-held-by-other-process", given) == []


def test_holders_that_cannot_be_seen(run, gpu, nvidia, machine, snapshot):
    full = gpu(used_bytes=12 * GIB, processes=None, compute_capability="6.1")
    (found,) = run("gpu-memory-held-by-other-process", on(full, nvidia, machine, snapshot))
    assert "cannot be seen" in found.evidence[1].fact
    assert len(found.remedies) == 2  # neither half precision nor torch's allocator here


@pytest.mark.parametrize(
    ("mode", "processes", "status"),
    [("exclusive process", BUSY, "warn"), ("prohibited", (), "fail")],
)
def test_a_gpu_that_takes_no_more(mode, processes, status, run, gpu, nvidia, machine, snapshot):  # noqa: PLR0917
    sick = gpu(compute_mode=mode, processes=processes)
    (found,) = run("gpu-exclusive-compute-mode", on(sick, nvidia, machine, snapshot))
    assert found.status == status
    assert found.remedies[0].command == "sudo nvidia-smi -i 0 -c DEFAULT"


@pytest.mark.parametrize(
    ("mode", "processes"), [("exclusive process", ()), ("default", BUSY), ("", BUSY)]
)
def test_a_gpu_that_takes_more(mode, processes, run, gpu, nvidia, machine, snapshot):
    fine = gpu(compute_mode=mode, processes=processes)
    assert run("gpu-exclusive-compute-mode", on(fine, nvidia, machine, snapshot)) == []


@pytest.mark.parametrize(
    ("check", "field"), [("persistence-off", "persistence"), ("mig-enabled", "mig")]
)
def test_ways_of_use_are_information(check, field, run, gpu, nvidia, machine, snapshot):
    told = field == "mig"
    (found,) = run(check, on(gpu(**{field: told}), nvidia, machine, snapshot))
    assert found.status == "info"
    for value in (not told, None):
        assert run(check, on(gpu(**{field: value}), nvidia, machine, snapshot)) == []
