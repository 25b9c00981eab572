from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import DeviceNode, Platform

SWITCH = DeviceNode(path="/dev/nvidia-nvswitch0", readable=True, writable=True)


@pytest.mark.parametrize(
    ("distribution", "command"),
    [
        ("ubuntu", "sudo apt install nvidia-fabricmanager-570 && sudo systemctl enable --now"),
        ("rocky", "sudo dnf install nvidia-fabricmanager-570.124.06 && sudo systemctl enable"),
        ("nixos", ""),
    ],
)
def test_a_fabric_that_nobody_set_up(distribution, command, run, snapshot, machine, nvidia, gpu):
    sick = nvidia(
        "570.124.06", gpus=(gpu("H100", fabric_state="in progress"),), fabric_manager=False
    )
    platform = Platform(system="Linux", distribution=distribution)
    (found,) = run(
        "fabric-manager-missing", snapshot(machine=machine(nvidia=sick, platform=platform))
    )
    assert found.status == "fail"
    assert "in progress" in found.evidence[0].fact
    assert found.remedies[0].command.startswith(command)
    assert "570.124.06" in found.remedies[0].text


def test_a_fabric_that_is_being_set_up(run, snapshot, machine, nvidia, gpu):
    sick = nvidia(gpus=(gpu("H100", fabric_state="in progress"),), fabric_manager=True)
    (found,) = run("fabric-manager-missing", snapshot(machine=machine(nvidia=sick)))
    assert found.status == "warn"


def test_switches_of_gpus_that_tell_no_state(run, snapshot, machine, nvidia, gpu):
    a100 = gpu("NVIDIA A100-SXM4-80GB", fabric_state="not supported")
    sick = nvidia(gpus=(a100,), fabric_manager=False, nodes=(SWITCH,))
    assert len(run("fabric-manager-missing", snapshot(machine=machine(nvidia=sick)))) == 1
    inside = machine(nvidia=sick, platform=Platform(system="Linux", container="docker"))
    assert run("fabric-manager-missing", snapshot(machine=inside)) == []


@pytest.mark.parametrize("state", ["completed", "not supported", ""])
def test_a_fabric_that_is_ready_or_not_there(state, run, snapshot, machine, nvidia, gpu):
    fine: Any = nvidia(gpus=(gpu(fabric_state=state),), fabric_manager=None)
    assert run("fabric-manager-missing", snapshot(machine=machine(nvidia=fine))) == []


def test_no_room_for_heterogeneous_memory(run, snapshot, machine, nvidia):
    def with_log(*lines):
        platform = Platform(system="Linux", kernel_messages=lines)
        return snapshot(machine=machine(nvidia=nvidia(), platform=platform))

    line = "nvidia-uvm: uvm_pmm_gpu.c request_free_mem_region() err -34"
    (found,) = run("kaslr-hmm-uvm-failure", with_log(line))
    assert "uvm_disable_hmm=1" in found.remedies[0].command
    assert run("kaslr-hmm-uvm-failure", with_log("nvidia-uvm: Loaded the UVM driver")) == []
    assert run("kaslr-hmm-uvm-failure", snapshot(machine=machine(nvidia=nvidia()))) == []
