"""The switches between the GPUs of large servers, and what looks like their failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import name_of, system_install, whole_gpus
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.machine import Machine, Nvidia
    from envdoctor.model.snapshot import Snapshot

UNFINISHED = {"not started", "in progress"}
SWITCH = "/dev/nvidia-nvswitch"


def manager_missing(snapshot: Snapshot) -> Iterator[Finding]:
    """The GPUs hang on switches that nobody has set up."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    if nvidia is None or nvidia.nvml_error != 0:
        return
    waiting = [gpu for gpu in whole_gpus(machine) if gpu.fabric_state in UNFINISHED]
    done = any(gpu.fabric_state == "completed" for gpu in whole_gpus(machine))
    switches = any(node.path.startswith(SWITCH) for node in nvidia.nodes)
    inside = bool(machine.platform.container)
    # GPUs before Hopper tell no state: there the switches and the process are all that is seen.
    idle = switches and not done and not inside and nvidia.fabric_manager is False
    if not (waiting or idle):
        return
    starting = bool(waiting) and nvidia.fabric_manager is True
    states = tuple(
        Evidence(fact=f"{name_of(gpu)}: fabric state {gpu.fabric_state}", source="NVML")
        for gpu in waiting
    )
    process = Evidence(fact="no process nv-fabricmanager", source="/proc")
    yield Finding(
        id="fabric-manager-missing",
        status="warn" if starting else "fail",
        title="The fabric of the GPUs is still being set up"
        if starting
        else "NVIDIA's fabric manager does not run, and without it CUDA does not start here",
        evidence=(*states, *((process,) if nvidia.fabric_manager is False and not inside else ())),
        cause="GPUs behind NVSwitch wait for the fabric manager, whose version must be exactly the "
        "driver's. Until then every CUDA program ends with error 802.",
        remedies=_start(machine, nvidia, starting=starting),
        verify="nvidia-smi -q | grep -A 3 Fabric",
    )


def _start(machine: Machine, nvidia: Nvidia, *, starting: bool) -> tuple[Remedy, ...]:
    if machine.platform.container:
        text = "On the host, not in this container: install and start the fabric manager of "
        return (Remedy(text=f"{text}version {nvidia.driver_version}.", needs_root=True),)
    if starting:
        return (
            Remedy(
                command="sudo systemctl restart nvidia-fabricmanager && "
                "sudo journalctl -u nvidia-fabricmanager -n 50",
                text="Wait a minute. If it stays so, start it anew and read what it says.",
                needs_root=True,
            ),
        )
    branch = nvidia.driver_version.partition(".")[0]
    text = f"Install the fabric manager of version {nvidia.driver_version} and start it."
    return (
        system_install(
            machine.platform,
            {
                "apt": f"nvidia-fabricmanager-{branch}",
                "dnf": f"nvidia-fabricmanager-{nvidia.driver_version}",
            },
            text,
            "sudo systemctl enable --now nvidia-fabricmanager",
        ),
    )


def memory_region_taken(snapshot: Snapshot) -> Iterator[Finding]:
    """The kernel has no room in its addresses for what nvidia-uvm asks for."""
    if snapshot.machine.nvidia is None:
        return
    messages = snapshot.machine.platform.kernel_messages or ()
    line = next((each for each in messages if "request_free_mem_region" in each), "")
    if not line:
        return
    yield Finding(
        id="kaslr-hmm-uvm-failure",
        status="fail",
        title="The module nvidia_uvm found no room for its memory in the kernel",
        evidence=(Evidence(fact=line[:200], source="kernel log"),),
        cause="The kernel's random layout (KASLR) left no free region for heterogeneous memory "
        "management, so that CUDA does not start. It looks like a missing fabric manager.",
        remedies=(
            Remedy(
                command="echo 'options nvidia_uvm uvm_disable_hmm=1' | "
                "sudo tee /etc/modprobe.d/nvidia-uvm.conf && sudo reboot",
                text="Do without heterogeneous memory management, as NVIDIA's notes advise.",
                needs_root=True,
                restarts=True,
            ),
        ),
        verify="nvidia-smi && envdoctor check --deep",
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="fabric-manager-missing",
        group="nvidia",
        summary="GPUs behind NVSwitch without a fabric manager",
        run=manager_missing,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=("Error 802: system not yet initialized",),
            why="On servers with NVSwitch the fabric manager connects the GPUs. Without it CUDA "
            "refuses to start on any of them.",
            seen_by="The fabric state of each GPU by NVML; for GPUs that tell none, the switches "
            "under /dev and the process nv-fabricmanager.",
            confirmed_by="`systemctl status nvidia-fabricmanager`",
            remedy="Install the fabric manager of exactly the driver's version, and start it.",
            sources=(
                "pytorch#35710",
                "huggingface_hub#4134",
                "ollama#12136",
                "NVIDIA/yum-packaging-fabric-manager",
            ),
        ),
    ),
    Check(
        id="kaslr-hmm-uvm-failure",
        group="nvidia",
        summary="a kernel layout that leaves nvidia_uvm no room",
        run=memory_region_taken,
        page=Page(
            symptoms=("nvidia-uvm: request_free_mem_region() err -34",),
            why="Heterogeneous memory management needs a region of addresses that KASLR may have "
            "left no room for.",
            seen_by="The kernel log, where it may be read; otherwise nothing is said.",
            remedy="`options nvidia_uvm uvm_disable_hmm=1` under /etc/modprobe.d.",
            sources=("CUDA 13 release notes, 2.5.1", "gpu-burn#133"),
        ),
    ),
)
