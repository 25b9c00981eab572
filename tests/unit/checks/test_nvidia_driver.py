from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import Library, Nvidia, PciDevice, Platform
from envdoctor.model.outcome import Outcome
from envdoctor.model.snapshot import ProbeResult

KERNEL = "6.8.0-45-generic"


def card(driver: str = "", address: str = "0000:01:00.0", device: int = 0x2684) -> PciDevice:
    return PciDevice(
        address=address, vendor=0x10DE, device=device, class_code=0x030000, driver=driver
    )


def ubuntu(**fields: Any) -> Platform:
    return Platform(
        **{
            "system": "Linux",
            "kernel": KERNEL,
            "architecture": "x86_64",
            "distribution": "ubuntu",
            **fields,
        }
    )


def only(found: list[Any]) -> Any:
    assert len(found) == 1
    return found[0]


@pytest.fixture
def cuda_torch(environment, framework):
    return environment(
        {"torch": "2.13.0"}, frameworks={"torch": framework("torch", "2.13.0", cuda="13.0")}
    )


def test_a_mismatch_of_library_and_module(run, snapshot, machine, nvidia):
    sick = nvidia(
        kernel_version="550.90.07",
        library_version="550.144.03",
        nvml_error=18,
        gpus=(),
        driver_packages=("nvidia-driver-550",),
        library=Library(soname="libnvidia-ml.so.1", path="/l", real_path="/l.so.550.144.03"),
    )
    found = only(run("nvml-driver-library-mismatch", snapshot(machine=machine(nvidia=sick))))
    assert found.status == "fail"
    assert "550.90.07" in found.evidence[0].fact
    assert "550.144.03" in found.evidence[1].fact
    assert found.remedies[0].command == "sudo reboot"
    assert found.remedies[1].command == "sudo apt-mark hold nvidia-driver-550"


def test_versions_that_differ_do_no_harm_where_nvml_starts(run, snapshot, machine, nvidia):
    odd = nvidia(library_version="535.1", nvml_error=0)
    assert run("nvml-driver-library-mismatch", snapshot(machine=machine(nvidia=odd))) == []
    unasked = nvidia(library_version="", nvml_error=None)
    assert run("nvml-driver-library-mismatch", snapshot(machine=machine(nvidia=unasked))) == []


def test_inside_of_a_container_it_is_the_container_that_is_started_anew(
    run, snapshot, machine, nvidia
):
    sick = machine(nvidia=nvidia(nvml_error=18), platform=ubuntu(container="docker"))
    found = only(run("nvml-driver-library-mismatch", snapshot(machine=sick)))
    assert "container" in found.remedies[0].text
    assert found.remedies[0].command == ""


def test_a_module_that_was_not_built_for_the_kernel(run, snapshot, machine):
    sick = machine(
        platform=ubuntu(),
        pci=(card(),),
        nvidia=Nvidia(built_for=("6.8.0-40-generic",), driver_packages=("nvidia-driver-550",)),
    )
    found = only(run("nvidia-kernel-module-not-loaded", snapshot(machine=sick)))
    assert found.status == "fail"
    assert any("6.8.0-40-generic" in each.fact for each in found.evidence)
    assert found.remedies[0].command == (
        f"sudo apt install linux-headers-{KERNEL} && sudo dkms autoinstall && sudo modprobe nvidia"
    )


def test_a_module_that_lies_ready_is_loaded(run, snapshot, machine):
    sick = machine(platform=ubuntu(), pci=(card(),), nvidia=Nvidia(built_for=(KERNEL,)))
    found = only(run("nvidia-kernel-module-not-loaded", snapshot(machine=sick)))
    assert found.remedies[0].command == "sudo modprobe nvidia"


def test_a_card_without_any_driver_matters_as_much_as_someone_wants_it(
    run, snapshot, machine, environment, cuda_torch
):
    bare = machine(platform=ubuntu(), pci=(card(),), nvidia=Nvidia())

    def status(there):
        found = run("nvidia-kernel-module-not-loaded", snapshot(machine=bare, environment=there))
        return only(found).status

    assert status(environment()) == "info"
    assert status(environment({"torch": "2.13.0"})) == "warn"
    assert status(cuda_torch) == "fail"


@pytest.mark.parametrize("driver", ["vfio-pci", "pci-stub"])
def test_a_card_that_is_kept_for_virtual_machines_is_nobodys_business(
    driver, run, snapshot, machine, cuda_torch
):
    given = snapshot(machine=machine(pci=(card(driver),)), environment=cuda_torch)
    for check in ("nvidia-kernel-module-not-loaded", "nouveau-driver-active"):
        assert run(check, given) == []


def test_a_build_for_the_cpu_is_right_beside_a_card_that_is_given_away(
    run, snapshot, machine, environment
):
    cpu = environment({"torch": "2.13.0"}, frameworks={"torch": "2.13.0"})

    def found(driver):
        there = machine(pci=(card(driver),), nvidia=Nvidia())
        return run("torch-cpu-wheel-on-gpu-host", snapshot(machine=there, environment=cpu))

    assert found("vfio-pci") == []
    assert only(found("nvidia")).status == "fail"


def test_a_container_is_not_told_about_the_modules_of_its_host(run, snapshot, machine):
    inside = machine(platform=ubuntu(container="docker"), pci=(card(),), nvidia=Nvidia())
    assert run("nvidia-kernel-module-not-loaded", snapshot(machine=inside)) == []


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ({"built_for": (KERNEL,)}, None),
        ({"built_for": None}, ("Loading of module with unavailable key is rejected",)),
    ],
)
def test_secure_boot_refuses_the_module(fields, messages, run, snapshot, machine):
    sick = machine(
        platform=ubuntu(secure_boot=True, kernel_messages=messages),
        pci=(card(),),
        nvidia=Nvidia(**fields),
    )
    found = only(run("secure-boot-rejects-nvidia-module", snapshot(machine=sick)))
    assert found.status == "fail"
    assert found.remedies[0].command == "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der"


@pytest.mark.parametrize(
    ("secure_boot", "built_for"), [(False, (KERNEL,)), (None, (KERNEL,)), (True, ("5.4",))]
)
def test_secure_boot_is_blamed_for_a_built_module_only(
    secure_boot, built_for, run, snapshot, machine
):
    other = machine(
        platform=ubuntu(secure_boot=secure_boot), pci=(card(),), nvidia=Nvidia(built_for=built_for)
    )
    assert run("secure-boot-rejects-nvidia-module", snapshot(machine=other)) == []


def test_nouveau_has_the_card(run, snapshot, machine, cuda_torch):
    sick = machine(
        platform=ubuntu(),
        pci=(card("nouveau"),),
        nvidia=Nvidia(modules=("nouveau",), driver_packages=("nvidia-driver-550",)),
    )
    found = only(run("nouveau-driver-active", snapshot(machine=sick, environment=cuda_torch)))
    assert found.status == "fail"
    assert "driver: nouveau" in found.evidence[0].fact
    assert "sudo update-initramfs -u && sudo reboot" in found.remedies[0].command
    assert run("nvidia-kernel-module-not-loaded", snapshot(machine=sick)) == []


def test_nouveau_on_a_machine_that_nobody_computes_on_is_information(run, snapshot, machine):
    desk = machine(platform=ubuntu(), pci=(card("nouveau"),), nvidia=Nvidia(modules=("nouveau",)))
    assert only(run("nouveau-driver-active", snapshot(machine=desk))).status == "info"


def test_a_gpu_that_has_fallen_off_the_bus(run, snapshot, machine, nvidia, gpu):
    sick = machine(
        pci=(card("nvidia"), card("nvidia", "0000:02:00.0")), nvidia=nvidia(gpus=(gpu(),))
    )
    found = only(run("gpu-count-below-pci-count", snapshot(machine=sick)))
    assert found.status == "fail"
    assert any("0000:02:00.0" in each.fact for each in found.evidence)


def test_a_gpu_that_nvml_calls_lost(run, snapshot, machine, nvidia, gpu):
    lost = nvidia(gpus=(gpu(), gpu(name="", index=1, pci_address="", query_error=15)))
    found = only(run("gpu-count-below-pci-count", snapshot(machine=machine(nvidia=lost))))
    assert "error 15" in found.evidence[0].fact


def test_a_container_may_have_fewer_gpus_than_its_host(run, snapshot, machine, nvidia):
    pci = (card("nvidia"), card("nvidia", "0000:02:00.0"))
    inside = machine(platform=ubuntu(container="docker"), pci=pci, nvidia=nvidia())
    assert run("gpu-count-below-pci-count", snapshot(machine=inside)) == []


def test_a_driver_that_does_not_answer(run, snapshot, machine):
    hung = machine(nvidia=Nvidia(kernel_version="580.95.05", nvml_timed_out=True))
    found = only(run("nvidia-query-timed-out", snapshot(machine=hung)))
    assert found.status == "fail"
    assert "580.95.05" in found.evidence[1].fact
    assert run("nvml-driver-library-mismatch", snapshot(machine=hung)) == []


def _probe(text: str) -> ProbeResult:
    return ProbeResult(
        framework="torch", device="cuda:0", outcome=Outcome(status="failed"), output_tail=text
    )


def test_cuda_that_did_not_wake_up(run, snapshot, machine, nvidia):
    slept = machine(nvidia=nvidia(), platform=ubuntu(resumed=True))
    probes = (_probe("RuntimeError: CUDA unknown error - this may be due to"),)
    found = only(run("cuda-broken-after-suspend", snapshot(machine=slept, probes=probes)))
    assert found.remedies[0].command == "sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm"
    assert run("cuda-broken-after-suspend", snapshot(machine=slept)) == []
    awake = machine(nvidia=nvidia(), platform=ubuntu(resumed=False))
    assert run("cuda-broken-after-suspend", snapshot(machine=awake, probes=probes)) == []


def test_libraries_of_the_driver_that_are_missing(run, snapshot, machine, cuda_torch):
    sick = machine(nvidia=Nvidia(kernel_version="580.95.05", nvml_error=12))
    found = only(run("nvml-unusable", snapshot(machine=sick, environment=cuda_torch)))
    assert found.status == "fail"
    libcuda = Library(soname="libcuda.so.1", path="/opt/libcuda.so.1")
    odd = Nvidia(kernel_version="580.95.05", nvml_error=12, cuda_libraries=(libcuda,))
    found = only(
        run("nvml-unusable", snapshot(machine=machine(nvidia=odd), environment=cuda_torch))
    )
    assert found.status == "error"
    assert run("nvml-unusable", snapshot(machine=sick)) == []
