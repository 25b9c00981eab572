from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import Amd, AmdGpu, DeviceNode, PciDevice, Platform

CARD = PciDevice(
    address="0000:03:00.0", vendor=0x1002, device=0x744C, class_code=0x030000, driver="amdgpu"
)


def nodes(allowed: bool) -> tuple[DeviceNode, ...]:
    return tuple(
        DeviceNode(path=path, readable=allowed, writable=allowed, group=993)
        for path in ("/dev/kfd", "/dev/dri/renderD128")
    )


@pytest.fixture
def built(environment, framework):
    def build(targets: str, **variables: str) -> Any:
        details = {"rocm_architectures": targets}
        torch = framework("torch", "2.10.0", rocm="6.4", details=details)
        return environment(frameworks={"torch": torch}, variables=variables)

    return build


@pytest.fixture
def judge(run, snapshot, machine, built):
    def judged(gfx: str, targets: str, **variables: str) -> Any:
        amd = Amd(gpus=tuple(AmdGpu(gfx=each) for each in gfx.split()))
        there = snapshot(machine=machine(amd=amd), environment=built(targets, **variables))
        return run("rocm-wheel-lacks-gfx", there)

    return judged


def test_a_gpu_that_the_build_has_no_code_for(judge):
    (found,) = judge("gfx1032", "gfx90a gfx1030 gfx1100")
    assert found.status == "fail"
    assert "gfx1032" in found.evidence[0].fact
    assert found.remedies[1].command == "export HSA_OVERRIDE_GFX_VERSION=10.3.0"
    assert "Not supported" in found.remedies[1].text
    (found,) = judge("gfx1201", "gfx90a gfx1030 gfx1100")
    assert len(found.remedies) == 1  # of another family: nothing to override with


@pytest.mark.parametrize(
    ("gfx", "targets"),
    [
        ("gfx942", "gfx90a gfx942"),
        ("gfx1102", "gfx11-generic"),
        ("gfx1100 gfx1036", "gfx1100"),
        ("gfx1100", ""),
        ("", "gfx1100"),
    ],
)
def test_a_gpu_that_the_build_has_code_for_or_that_is_not_known(gfx, targets, judge):
    assert judge(gfx, targets) == []


def test_an_override_is_needless_where_the_build_has_code(judge):
    (found,) = judge("gfx1100", "gfx1100", HSA_OVERRIDE_GFX_VERSION="11.0.0")
    assert (found.status, found.remedies[0].command) == ("warn", "unset HSA_OVERRIDE_GFX_VERSION")
    assert judge("gfx1032", "gfx1030", HSA_OVERRIDE_GFX_VERSION="10.3.0") == []


def test_device_files_of_a_group_that_we_are_not_in(run, snapshot, machine, built):
    amd = Amd(gpus=(AmdGpu(gfx="gfx1100"),), nodes=nodes(allowed=False), groups=(1000,))
    (found,) = run(
        "rocm-device-permission",
        snapshot(machine=machine(amd=amd, pci=(CARD,)), environment=built("gfx1100")),
    )
    assert found.status == "fail"
    assert "group 993" in found.evidence[0].fact
    assert found.remedies[0].command == 'sudo usermod -aG render,video "$USER"'
    inside = machine(amd=amd, platform=Platform(system="Linux", container="docker"))
    (found,) = run("rocm-device-permission", snapshot(machine=inside, environment=built("gfx1100")))
    assert "--group-add 993" in found.remedies[0].command


def test_a_missing_kfd_and_one_that_may_be_opened(run, snapshot, machine, built):
    def judged(**fields: Any) -> Any:
        there = machine(amd=Amd(gpus=(AmdGpu(gfx="gfx1100"),), **fields), pci=(CARD,))
        given = snapshot(machine=there, environment=built("gfx1100"))
        return run("rocm-device-permission", given)

    (found,) = judged()
    assert "no /dev/kfd" in found.evidence[0].fact
    assert judged(nodes=nodes(allowed=True)) == []


def test_a_laptop_that_computes_on_the_cpu_is_told_nothing(run, snapshot, machine):
    amd = Amd(gpus=(AmdGpu(gfx="gfx1103"),), nodes=nodes(allowed=False))
    assert run("rocm-device-permission", snapshot(machine=machine(amd=amd, pci=(CARD,)))) == []
