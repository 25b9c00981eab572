from __future__ import annotations

from typing import Any

import pytest

from envdoctor.checks.visibility import visible
from envdoctor.model.machine import Amd, AmdGpu

IDS = ("GPU-aa11", "GPU-bb22")


@pytest.mark.parametrize(
    ("value", "seen", "odd"),
    [
        ("", 0, ""),
        (" ", 0, ""),
        ("-1", 0, "-1"),
        ("NoDevFiles", 0, "NoDevFiles"),
        ("0", 1, ""),
        ("1,0", 2, ""),
        ("0,5,1", 1, "5"),
        ("2", 0, "2"),
        ("0,,1", 1, "an empty entry"),
        ("GPU-bb", 1, ""),
        ("GPU-", 0, "GPU-"),
        ("GPU-cc33", 0, "GPU-cc33"),
        ("MIG-1234", 1, ""),
    ],
)
def test_what_a_list_shows(value, seen, odd):
    assert visible(value, 2, IDS) == (seen, odd)


@pytest.fixture
def judge(run, snapshot, machine, nvidia, environment):
    def judged(**variables: str) -> Any:
        there = environment({"torch": "2.13.0"}, variables=variables)
        given = snapshot(machine=machine(nvidia=nvidia()), environment=there)
        return run("cuda-visible-devices-hides-gpus", given)

    return judged


def test_a_variable_that_hides_the_gpu(judge):
    (found,) = judge(CUDA_VISIBLE_DEVICES="")
    assert found.status == "warn"
    assert found.evidence[0].fact == 'CUDA_VISIBLE_DEVICES=""'
    assert found.remedies[0].command == "unset CUDA_VISIBLE_DEVICES"
    (found,) = judge(CUDA_VISIBLE_DEVICES="0,3")
    assert "3" in found.cause


def test_a_variable_that_hides_nothing(judge):
    assert judge(CUDA_VISIBLE_DEVICES="0") == []
    assert judge(HIP_VISIBLE_DEVICES="") == []
    assert judge() == []


def test_without_gpus_or_with_slices_nothing_is_judged(
    run, snapshot, machine, nvidia, gpu, environment
):
    there = environment(variables={"CUDA_VISIBLE_DEVICES": "7"})
    assert run("cuda-visible-devices-hides-gpus", snapshot(environment=there)) == []
    divided = machine(nvidia=nvidia(gpus=(gpu(mig=True),)))
    given = snapshot(machine=divided, environment=there)
    assert run("cuda-visible-devices-hides-gpus", given) == []


def test_amd_has_variables_of_its_own(run, snapshot, machine, environment):
    there = environment(variables={"ROCR_VISIBLE_DEVICES": "4", "HIP_VISIBLE_DEVICES": "0"})
    given = snapshot(machine=machine(amd=Amd(gpus=(AmdGpu(gfx="gfx942"),))), environment=there)
    (found,) = run("cuda-visible-devices-hides-gpus", given)
    assert (found.subject, found.status) == ("ROCR_VISIBLE_DEVICES", "info")
    named = environment(variables={"ROCR_VISIBLE_DEVICES": "GPU-0123456789abcdef"})
    given = snapshot(machine=given.machine, environment=named)
    assert run("cuda-visible-devices-hides-gpus", given) == []


def test_jax_that_is_kept_on_the_cpu(run, snapshot, machine, nvidia, environment):
    def judged(value: str, *names: str) -> Any:
        there = environment(dict.fromkeys(names, "0.10.2"), variables={"JAX_PLATFORMS": value})
        given = snapshot(machine=machine(nvidia=nvidia()), environment=there)
        return run("jax-platforms-hides-gpus", given)

    (found,) = judged("cpu", "jax", "jax-cuda13-plugin")
    assert found.status == "info"
    assert judged("cpu", "jax") == []
    assert judged("cuda,cpu", "jax", "jax-cuda13-plugin") == []
