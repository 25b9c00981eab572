from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import DeviceNode, Library, Nvidia, PciDevice, Platform
from envdoctor.model.outcome import Outcome
from envdoctor.model.snapshot import ProbeResult

CARD = PciDevice(
    address="0000:01:00.0", vendor=0x10DE, device=0x2330, class_code=0x030200, driver="nvidia"
)


def node(path: str = "/dev/nvidia0", allowed: bool = True, group: int = 0) -> DeviceNode:
    return DeviceNode(path=path, readable=allowed, writable=allowed, group=group)


def libcuda(path: str, origin: str = "ldconfig", real: str = "") -> Library:
    return Library(soname="libcuda.so.1", path=path, real_path=real or path, origin=origin)


def inside(kind: str = "docker", **fields: Any) -> Platform:
    return Platform(system="Linux", container=kind, **fields)


@pytest.fixture
def cuda_torch(environment, framework):
    return environment(frameworks={"torch": framework("torch", "2.13.0", cuda="13.0")})


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("docker", "docker run --gpus all"),
        ("podman", "nvidia.com/gpu=all"),
        ("kubernetes", "nvidia.com/gpu: 1"),
        ("apptainer", "--nv"),
        ("lxc", "lxc config device add"),
        ("other", "Start the container"),
    ],
)
def test_a_container_without_the_gpu_of_its_host(kind, words, run, snapshot, machine, cuda_torch):
    sick = machine(platform=inside(kind), pci=(CARD,), nvidia=Nvidia(kernel_version="580.95.05"))
    (found,) = run("container-no-gpu-runtime", snapshot(machine=sick, environment=cuda_torch))
    assert found.status == "warn"
    assert words in found.remedies[0].command + found.remedies[0].text
    assert any("580.95.05" in each.fact for each in found.evidence)


def test_a_container_that_nobody_wants_a_gpu_in_is_information(run, snapshot, machine, environment):
    plain = machine(platform=inside(), pci=(CARD,), nvidia=Nvidia())
    (found,) = run("container-no-gpu-runtime", snapshot(machine=plain))
    assert found.status == "info"
    asked = environment(variables={"NVIDIA_VISIBLE_DEVICES": "all"})
    (found,) = run("container-no-gpu-runtime", snapshot(machine=plain, environment=asked))
    assert found.status == "warn"


def test_a_container_on_a_host_without_gpu_is_told_nothing(run, snapshot, machine, cuda_torch):
    plain = snapshot(machine=machine(platform=inside()), environment=cuda_torch)
    assert run("container-no-gpu-runtime", plain) == []
    given = machine(platform=inside(), pci=(CARD,), nvidia=Nvidia(nodes=(node(),)))
    assert run("container-no-gpu-runtime", snapshot(machine=given)) == []


def test_a_container_that_has_lost_its_gpu(run, snapshot, machine):
    lost = Nvidia(nodes=(node(),), nvml_error=999, kernel_version="580.95.05")
    (found,) = run("container-lost-gpu", snapshot(machine=machine(platform=inside(), nvidia=lost)))
    assert found.status == "fail"
    assert "999" in found.evidence[0].fact
    assert "CDI" in found.remedies[1].text
    assert run("container-lost-gpu", snapshot(machine=machine(nvidia=lost))) == []


def test_a_container_without_the_computing_part(run, snapshot, machine, environment):
    there = environment(variables={"NVIDIA_DRIVER_CAPABILITIES": "utility,video"})
    sick = machine(platform=inside(), nvidia=Nvidia(nodes=(node(),), nvml_error=0))
    (found,) = run("driver-capabilities-missing-compute", snapshot(machine=sick, environment=there))
    assert "compute,utility" in found.remedies[0].command
    whole = machine(
        platform=inside(), nvidia=Nvidia(nodes=(node(),), cuda_libraries=(libcuda("/l"),))
    )
    assert (
        run("driver-capabilities-missing-compute", snapshot(machine=whole, environment=there)) == []
    )
    for value in ("all", "compute,utility"):
        fine = environment(variables={"NVIDIA_DRIVER_CAPABILITIES": value})
        assert (
            run("driver-capabilities-missing-compute", snapshot(machine=sick, environment=fine))
            == []
        )


COMPAT = libcuda(
    "/usr/local/cuda-13.0/compat/libcuda.so.1",
    real="/usr/local/cuda-13.0/compat/libcuda.so.580.65.06",
)


def test_forward_compatibility_on_a_geforce(run, snapshot, machine, nvidia):
    sick = nvidia("550.90.07", cuda_libraries=(COMPAT, libcuda("/usr/lib/libcuda.so.1")))
    (found,) = run("cuda-compat-on-geforce", snapshot(machine=machine(nvidia=sick)))
    assert "compat" in found.evidence[0].fact
    assert "ldconfig" in found.remedies[1].command


def test_forward_compatibility_where_it_works(run, snapshot, machine, nvidia, gpu):
    centre = nvidia("550.90.07", cuda_libraries=(COMPAT,), gpus=(gpu("NVIDIA A100-SXM4-80GB"),))
    assert run("cuda-compat-on-geforce", snapshot(machine=machine(nvidia=centre))) == []
    newer = nvidia("595.45.04", cuda_libraries=(COMPAT,))
    assert run("cuda-compat-on-geforce", snapshot(machine=machine(nvidia=newer))) == []
    refused = ProbeResult(
        framework="torch",
        device="",
        outcome=Outcome(status="failed", reason="forward compatibility was attempted on non"),
    )
    given = snapshot(machine=machine(nvidia=centre), probes=(refused,))
    assert len(run("cuda-compat-on-geforce", given)) == 1


WSL = libcuda("/usr/lib/wsl/lib/libcuda.so.1")


@pytest.mark.parametrize(
    ("libraries", "packages", "status", "command"),
    [
        (
            (libcuda("/usr/lib/x86_64-linux-gnu/libcuda.so.1"), WSL),
            ("nvidia-driver-550",),
            "fail",
            "sudo apt purge nvidia-driver-550",
        ),
        ((WSL,), ("nvidia-driver-550",), "warn", "sudo apt purge nvidia-driver-550"),
        (
            (libcuda("/usr/lib/wsl/lib/libcuda.so.1", "WSL folder"),),
            (),
            "fail",
            "export LD_LIBRARY_PATH=/usr/lib/wsl/lib",
        ),
    ],
)
def test_a_linux_driver_under_wsl(libraries, packages, status, command, run, snapshot, machine):
    sick = machine(
        platform=Platform(system="Linux", wsl=2),
        nvidia=Nvidia(cuda_libraries=libraries, driver_packages=packages),
    )
    (found,) = run("wsl-linux-driver-installed", snapshot(machine=sick))
    assert found.status == status
    assert found.remedies[0].command.startswith(command)


@pytest.mark.parametrize(("wsl", "libraries"), [(2, (WSL,)), (2, ()), (0, (libcuda("/x"), WSL))])
def test_a_healthy_wsl(wsl, libraries, run, snapshot, machine):
    fine = machine(
        platform=Platform(system="Linux", wsl=wsl), nvidia=Nvidia(cuda_libraries=libraries)
    )
    assert run("wsl-linux-driver-installed", snapshot(machine=fine)) == []


def test_device_files_that_may_not_be_opened(run, snapshot, machine, cuda_torch):
    closed = Nvidia(nodes=(node(allowed=False, group=44), node("/dev/nvidiactl")), nvml_error=4)
    sick = snapshot(machine=machine(nvidia=closed), environment=cuda_torch)
    (found,) = run("selinux-or-seccomp-blocks-gpu", sick)
    assert found.status == "fail"
    assert "/dev/nvidia0" in found.evidence[0].fact
    assert "getent group 44" in found.remedies[0].command
    labelled = machine(platform=inside(selinux_enforcing=True), nvidia=closed)
    (found,) = run("selinux-or-seccomp-blocks-gpu", snapshot(machine=labelled))
    assert "--security-opt label=disable" in found.remedies[0].command


def test_files_that_computing_does_not_need_may_be_closed(run, snapshot, machine):
    fine = Nvidia(nodes=(node(), node("/dev/nvidia-caps-imex", allowed=False)), nvml_error=0)
    assert run("selinux-or-seccomp-blocks-gpu", snapshot(machine=machine(nvidia=fine))) == []
