"""NVIDIA's driver once a module is loaded: whether library, module and GPUs answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import (
    REBOOT,
    built_for_cuda,
    card_evidence,
    manager_of,
    nvidia_cards,
    probe_texts,
)
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.machine import Machine, Nvidia, PciDevice
    from envdoctor.model.snapshot import Snapshot

LIBRARY_MISMATCH, UNKNOWN = 18, 999
"""Numbers of nvml.h: NVML_ERROR_LIB_RM_VERSION_MISMATCH, NVML_ERROR_UNKNOWN."""


def library_mismatch(snapshot: Snapshot) -> Iterator[Finding]:
    """The library is of another version than the loaded module, and NVML does not start."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    if nvidia is None or nvidia.nvml_error == 0 or machine.platform.wsl:
        return
    versions = {nvidia.kernel_version, nvidia.library_version}
    differ = "" not in versions and len(versions) == 2
    if not (nvidia.nvml_error == LIBRARY_MISMATCH or (differ and not nvidia.nvml_timed_out)):
        return
    yield Finding(
        id="nvml-driver-library-mismatch",
        status="fail",
        title="NVIDIA's library and the loaded kernel module are of different versions",
        evidence=(
            Evidence(
                fact=f"the loaded module is {nvidia.kernel_version or 'of another version'}",
                source="/proc/driver/nvidia/version",
            ),
            Evidence(
                fact=f"the library is {nvidia.library_version or 'of another version'}",
                source=nvidia.library.real_path if nvidia.library else "libnvidia-ml.so.1",
            ),
            *_nvml_evidence(nvidia),
        ),
        cause="The driver's files were updated, often by an automatic upgrade, while the old "
        "module stayed loaded. No program can open the GPU until both are of one version.",
        remedies=_reload(machine),
        verify="nvidia-smi",
    )


def _reload(machine: Machine) -> tuple[Remedy, ...]:
    if machine.platform.container:
        text = "Start the container anew, so that it gets the libraries of the host's driver; if "
        text += "that does not help, start the host anew."
        return (Remedy(text=text, restarts=True),)
    hold = "Keep automatic upgrades from doing it again: hold the packages of the driver."
    packages = " ".join(machine.nvidia.driver_packages) if machine.nvidia else ""
    if manager_of(machine.platform) == "apt" and packages:
        return (
            REBOOT,
            Remedy(command=f"sudo apt-mark hold {packages}", text=hold, needs_root=True),
        )
    return (REBOOT,)


def count_below_bus(snapshot: Snapshot) -> Iterator[Finding]:
    """NVML knows fewer GPUs than the bus has, or cannot reach one that it knows."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    if nvidia is None or nvidia.nvml_error != 0:
        return
    lost = [gpu for gpu in nvidia.gpus if gpu.query_error is not None]
    known = {gpu.pci_address for gpu in nvidia.gpus}
    missing: list[PciDevice] = []
    if not machine.platform.container and "" not in known:
        missing = [card for card in nvidia_cards(machine) if card.address not in known]
    if not lost and (not missing or len(nvidia_cards(machine)) <= len(nvidia.gpus)):
        return
    yield Finding(
        id="gpu-count-below-pci-count",
        status="fail" if lost or any(card.driver == "nvidia" for card in missing) else "warn",
        title="A GPU that the machine has does not answer NVIDIA's driver",
        evidence=(
            *(
                Evidence(fact=f"GPU {gpu.index}: error {gpu.query_error}", source="NVML")
                for gpu in lost
            ),
            *(card_evidence(card) for card in missing),
            Evidence(fact=f"NVML counts {len(nvidia.gpus)}", source="NVML"),
        ),
        cause="The GPU has fallen off the bus or could not be started; or the driver does not "
        "support it, as a new driver does not support a very old card.",
        remedies=(
            REBOOT,
            Remedy(
                text="If it does not come back: check its power cables and seat, or have the "
                "hardware serviced. `nvidia-smi` and the kernel log name the reason."
            ),
        ),
        verify="nvidia-smi -L",
    )


def query_timed_out(snapshot: Snapshot) -> Iterator[Finding]:
    """NVML was asked and gave no answer."""
    nvidia = snapshot.machine.nvidia
    if nvidia is None or not nvidia.nvml_timed_out:
        return
    yield Finding(
        id="nvidia-query-timed-out",
        status="fail",
        title="NVIDIA's driver does not answer",
        evidence=(
            Evidence(fact="no answer within the time limit", source="NVML"),
            Evidence(
                fact=f"the loaded module is {nvidia.kernel_version or 'not known'}",
                source="/proc/driver/nvidia/version",
            ),
        ),
        cause="The query hangs in the driver, as it does after an error of the hardware or while a "
        "GPU is being reset. A framework would hang in the same way.",
        remedies=(
            Remedy(
                command="sudo dmesg | grep -i -E 'nvrm|xid' | tail",
                text="See what the driver wrote about it.",
                needs_root=True,
            ),
            REBOOT,
        ),
        verify="timeout 20 nvidia-smi",
    )


def broken_after_suspend(snapshot: Snapshot) -> Iterator[Finding]:
    """The machine was suspended, NVML works, and CUDA says that it does not know what is wrong."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    if nvidia is None or nvidia.nvml_error != 0 or machine.platform.resumed is not True:
        return
    texts = probe_texts(snapshot)
    line = next((each for each in texts.splitlines() if "CUDA unknown error" in each), "")
    if not line:
        return
    yield Finding(
        id="cuda-broken-after-suspend",
        status="fail",
        title="CUDA has not come back since the machine was suspended",
        evidence=(
            Evidence(fact=line.strip()[:200], source="probe"),
            Evidence(fact="suspended since it was started", source="/sys/power/suspend_stats"),
        ),
        cause="The module nvidia_uvm, which gives programs their memory, can lose its state when "
        "the machine sleeps, while everything else of the driver works.",
        remedies=(
            Remedy(
                command="sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm",
                text="Load the module anew; close what uses the GPU first.",
                needs_root=True,
            ),
        ),
        verify="nvidia-smi && envdoctor check --deep",
    )


def nvml_unusable(snapshot: Snapshot) -> Iterator[Finding]:
    """NVML does not start, for a reason that no other check explains."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    if nvidia is None or not nvidia.kernel_version or machine.platform.jetson:
        return
    explained = {None, 0, 4, 9, LIBRARY_MISMATCH}
    if machine.platform.container:
        explained |= {12, UNKNOWN}
    if nvidia.nvml_error in explained or not built_for_cuda(snapshot.environment):
        return
    missing = nvidia.nvml_error == 12
    usable = missing and bool(nvidia.cuda_libraries)
    yield Finding(
        id="nvml-unusable",
        status="error" if usable else "fail",
        title="NVIDIA's management library cannot be asked about the GPUs"
        if usable
        else "NVIDIA's driver is loaded, but its libraries do not work",
        evidence=(
            *_nvml_evidence(nvidia),
            Evidence(
                fact=f"the loaded module is {nvidia.kernel_version}",
                source="/proc/driver/nvidia/version",
            ),
        ),
        cause="The loader does not find libnvidia-ml.so.1, which belongs to the driver."
        if missing
        else "The library answers with an error, as after a fault of the driver or the hardware.",
        remedies=()
        if usable
        else (
            Remedy(
                text="Install the libraries of the driver, of the module's version.",
                needs_root=True,
            )
            if missing
            else REBOOT,
        ),
        verify="nvidia-smi",
    )


def _nvml_evidence(nvidia: Nvidia) -> tuple[Evidence, ...]:
    if nvidia.nvml_error in {None, 0}:
        return ()
    return (Evidence(fact=f"starting NVML gives error {nvidia.nvml_error}", source="NVML"),)


CHECKS: tuple[Check, ...] = (
    Check(
        id="nvml-driver-library-mismatch",
        group="nvidia",
        summary="a driver that was updated and not loaded anew",
        run=library_mismatch,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=(
                "Failed to initialize NVML: Driver/library version mismatch",
                "NVML library version: 550.144",
            ),
            why="NVIDIA's libraries work with the kernel module of exactly their version.",
            seen_by="/proc/driver/nvidia/version, the file behind libnvidia-ml.so.1, and NVML's "
            "answer.",
            confirmed_by="`nvidia-smi` ends with exit code 18.",
            remedy="Start the machine anew, and hold the driver's packages.",
            sources=("ubuntu-packaging-nvidia-driver#3", "mozilla/translations#1167"),
        ),
    ),
    Check(
        id="nvidia-query-timed-out",
        group="nvidia",
        summary="a driver that hangs when it is asked",
        run=query_timed_out,
        page=Page(
            symptoms=("nvidia-smi hangs", "import or the first CUDA call hangs"),
            why="A driver in a broken state lets every query wait for ever.",
            seen_by="NVML, asked in a process of its own with a time limit.",
            confirmed_by="`timeout 20 nvidia-smi`",
            remedy="Read the kernel log, and start the machine anew.",
            sources=("nvml.h", "conda's CUDA detection asks in a process with a limit as well"),
        ),
    ),
    Check(
        id="nvml-unusable",
        group="nvidia",
        summary="a loaded driver whose libraries do not answer",
        run=nvml_unusable,
        page=Page(
            symptoms=("Failed to initialize NVML: Unknown Error", "NVML Shared Library Not Found"),
            why="Frameworks need the libraries that come with the driver.",
            seen_by="NVML's answer and the files behind libnvidia-ml.so.1 and libcuda.so.1.",
            remedy="Install the driver's libraries, or start the machine anew.",
            sources=("nvml.h, nvmlReturn_t",),
        ),
    ),
    Check(
        id="cuda-broken-after-suspend",
        group="nvidia",
        summary="CUDA that is lost after the machine slept",
        run=broken_after_suspend,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=(
                (
                    "CUDA unknown error - this may be due to an incorrectly set up "
                    "environment, e.g. "
                    "changing env variable CUDA_VISIBLE_DEVICES after program start."
                ),
            ),
            why="The module nvidia_uvm may lose its state when the machine sleeps.",
            seen_by="The kernel's count of suspensions, NVML, and what a framework said when it "
            "was exercised: without `--deep` nothing is said.",
            confirmed_by="`envdoctor check --deep`",
            remedy="Load nvidia_uvm anew.",
            sources=("pytorch#88639", "jaxsim#50"),
        ),
    ),
    Check(
        id="gpu-count-below-pci-count",
        group="nvidia",
        summary="a GPU that the bus has and the driver does not reach",
        run=count_below_bus,
        page=Page(
            symptoms=("Unable to determine the device handle for GPU: GPU is lost",),
            why="A GPU that fails in operation falls off the bus; programs see one fewer.",
            seen_by="GPUs on the PCI bus against those that NVML lists.",
            confirmed_by="`nvidia-smi` (exit code 15) and Xid 79 in the kernel log.",
            remedy="Start the machine anew; then check power and seat, or have it serviced.",
            sources=("csc_nvidia_smi.nhc of node health checks", "nvidia-smi manual, return codes"),
        ),
    ),
)
