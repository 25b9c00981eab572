"""NVIDIA GPUs as containers hand them on: what is passed in, and what is kept back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import (
    built_for_cuda,
    nvidia_cards,
    wanted_by,
)
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.machine import DeviceNode
    from envdoctor.model.snapshot import Snapshot

NO_PERMISSION, UNKNOWN = 4, 999
"""Numbers of nvml.h: NVML_ERROR_NO_PERMISSION, NVML_ERROR_UNKNOWN."""
NOTHING = {"", "none", "void"}
"""Values of NVIDIA_VISIBLE_DEVICES that ask for no GPU (NVIDIA container toolkit, documentation of
its environment variables)."""
GIVE = {
    "docker": ("docker run --gpus all IMAGE", "Start the container with its GPUs."),
    "podman": (
        "podman run --device nvidia.com/gpu=all IMAGE",
        "Start the container with its GPUs, described by CDI.",
    ),
    "kubernetes": ("", "Ask for a GPU in the pod: `resources: {limits: {nvidia.com/gpu: 1}}`."),
    "apptainer": ("apptainer exec --nv IMAGE COMMAND", "Start the container with its GPUs."),
    "lxc": ("lxc config device add CONTAINER gpu gpu", "Give the container the GPUs."),
}
TOOLKIT = Remedy(
    command="sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker",
    text="On the host, once: install the NVIDIA Container Toolkit from NVIDIA's package source and "
    "let Docker know of it. Docker as a snap package is a known cause of trouble.",
    needs_root=True,
)
FILES = ("/dev/nvidiactl", "/dev/nvidia-uvm")


def no_gpu_runtime(snapshot: Snapshot) -> Iterator[Finding]:
    """The host has NVIDIA GPUs, and the container was given none."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    kind = machine.platform.container
    if not kind or machine.platform.wsl or (nvidia and nvidia.nodes):
        return
    asked = snapshot.environment.variables.get("NVIDIA_VISIBLE_DEVICES", "").strip().lower()
    facts = _host_gpus(snapshot)
    if not facts:
        return
    intended = asked not in NOTHING
    if intended:
        facts.append(Evidence(fact=f"NVIDIA_VISIBLE_DEVICES={asked}", source="environment"))
    wanted = wanted_by(snapshot.environment)
    command, text = GIVE.get(kind, ("", "Start the container with the GPUs of the host."))
    first = Remedy(command=command, text=text, restarts=True)
    yield Finding(
        id="container-no-gpu-runtime",
        status="warn" if wanted or intended else "info",
        title="The host has an NVIDIA GPU, and this container was not given it",
        evidence=(
            *facts,
            Evidence(fact=f"no /dev/nvidia* in this container ({kind})", source="/dev"),
            *wanted,
        ),
        cause="A container sees the devices that it was started with. Frameworks in this one run "
        "on the CPU.",
        remedies=(first, TOOLKIT) if kind == "docker" else (first,),
        verify="nvidia-smi",
    )


def _host_gpus(snapshot: Snapshot) -> list[Evidence]:
    """What shows through from the host: the bus and the module are the same for all."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    facts = [
        Evidence(fact=f"NVIDIA GPU {card.device:#06x} at {card.address}", source="/sys/bus/pci")
        for card in nvidia_cards(machine)
        if card.driver == "nvidia"
    ]
    if nvidia and nvidia.kernel_version:
        fact = f"the host's driver is {nvidia.kernel_version}"
        facts.append(Evidence(fact=fact, source="/proc/driver/nvidia/version"))
    return facts


def lost_gpu(snapshot: Snapshot) -> Iterator[Finding]:
    """The container has the device files, and NVML knows no more than that it fails."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    if nvidia is None or not machine.platform.container or not nvidia.nodes:
        return
    if nvidia.nvml_error != UNKNOWN:
        return
    yield Finding(
        id="container-lost-gpu",
        status="fail",
        title="This container has lost the right to use its GPU",
        evidence=(
            Evidence(fact="starting NVML gives error 999 (unknown)", source="NVML"),
            Evidence(fact=f"{nvidia.nodes[0].path} is there", source="/dev"),
        ),
        cause="The host made the container's rights anew, as `systemctl daemon-reload` does with "
        "systemd's control groups, and forgot the GPU that had been added behind its back.",
        remedies=(
            Remedy(text="Start the container anew.", restarts=True),
            Remedy(
                text="For good, on the host: hand the GPU over by CDI, or name every device file "
                "with `--device`, or let Docker use the control group driver `cgroupfs`."
            ),
        ),
        verify="nvidia-smi",
    )


def no_compute_capability(snapshot: Snapshot) -> Iterator[Finding]:
    """The container was given the tools of the driver, and not what computes."""
    nvidia = snapshot.machine.nvidia
    told = snapshot.environment.variables.get("NVIDIA_DRIVER_CAPABILITIES")
    if nvidia is None or not told or not snapshot.machine.platform.container:
        return
    words = {word.strip() for word in told.split(",")}
    if words & {"all", "compute"} or nvidia.cuda_libraries or not nvidia.nodes:
        return
    yield Finding(
        id="driver-capabilities-missing-compute",
        status="fail",
        title="This container was given the GPU without the right to compute on it",
        evidence=(
            Evidence(fact=f"NVIDIA_DRIVER_CAPABILITIES={told}", source="environment"),
            Evidence(fact="there is no libcuda.so.1", source="library folders"),
        ),
        cause="The container toolkit mounts the libraries that the variable names. Without "
        "`compute`, libcuda stays outside, and CUDA finds no driver.",
        remedies=(
            Remedy(
                command="docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility IMAGE",
                text="Start the container anew with both.",
                restarts=True,
            ),
        ),
        verify="ldconfig -p | grep libcuda.so.1",
    )


def access_blocked(snapshot: Snapshot) -> Iterator[Finding]:
    """The device files are there, and this process may not open them."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    if nvidia is None or machine.platform.wsl:
        return
    refused = [
        node for node in nvidia.nodes if _needed(node) and not (node.readable and node.writable)
    ]
    if not (refused or nvidia.nvml_error == NO_PERMISSION):
        return
    guards = []
    if machine.platform.selinux_enforcing:
        guards.append(Evidence(fact="SELinux enforces", source="/sys/fs/selinux/enforce"))
    if machine.platform.seccomp == 2:
        guards.append(Evidence(fact="a seccomp filter is on", source="/proc/self/status"))
    facts = [
        Evidence(fact=f"{node.path} may not be opened, group {node.group}", source="/dev")
        for node in refused
    ]
    if nvidia.nvml_error == NO_PERMISSION:
        facts.append(Evidence(fact="starting NVML gives error 4 (no permission)", source="NVML"))
    labelled = bool(machine.platform.container and machine.platform.selinux_enforcing)
    yield Finding(
        id="selinux-or-seccomp-blocks-gpu",
        status="fail" if built_for_cuda(snapshot.environment) else "warn",
        title="This process may not open the GPU's device files",
        evidence=(*facts, *guards),
        cause="SELinux keeps containers away from devices that are not labelled for them."
        if labelled
        else "The rights of the device files, or a guard such as SELinux or seccomp, refuse it.",
        remedies=(_allow(refused, labelled=labelled),),
        verify="nvidia-smi",
    )


def _allow(refused: list[DeviceNode], *, labelled: bool) -> Remedy:
    if labelled:
        return Remedy(
            command="docker run --security-opt label=disable --gpus all IMAGE",
            text="Start this container without SELinux's labels; with Podman likewise.",
            restarts=True,
        )
    groups = sorted({node.group for node in refused if node.group})
    if groups:
        return Remedy(
            command=f'sudo usermod -aG "$(getent group {groups[0]} | cut -d: -f1)" "$USER"',
            text="Join the group of the device files, and log in anew.",
            needs_root=True,
            restarts=True,
        )
    return Remedy(
        text="Look into the audit log (`sudo ausearch -m avc -ts recent`) for the guard "
        "that refuses, and allow it there.",
        needs_root=True,
    )


def _needed(node: DeviceNode) -> bool:
    """Whether computing needs this file: those of the display and of single slices it does not."""
    return node.path in FILES or node.path.removeprefix("/dev/nvidia").isdecimal()


CHECKS: tuple[Check, ...] = (
    Check(
        id="container-no-gpu-runtime",
        group="nvidia",
        summary="a container on a GPU host that was not given the GPU",
        run=no_gpu_runtime,
        hides=(
            "gpu-memory-held-by-other-process",
            "fabric-manager-missing",
            "torch-cpu-wheel-on-gpu-host",
            "tf-cannot-find-cuda",
            "jax-cpu-only-on-gpu-host",
            "probe-sees-no-gpu",
        ),
        page=Page(
            symptoms=(
                'could not select device driver "" with capabilities: [[gpu]]',
                "Found no NVIDIA driver on your system",
            ),
            why="A container has no device unless it is started with it, and no library of the "
            "driver unless the NVIDIA Container Toolkit brings it in.",
            seen_by="The marks of a container, the host's bus and module as they show through, and "
            "the absence of /dev/nvidia*. Where nothing shows a GPU on the host, nothing is said.",
            remedy="Install the toolkit on the host, and start the container with its GPUs.",
            sources=("nvidia-docker#1034", "nvidia-docker#1642"),
        ),
    ),
    Check(
        id="container-lost-gpu",
        group="nvidia",
        summary="a container whose GPU was taken away while it ran",
        run=lost_gpu,
        page=Page(
            symptoms=("Failed to initialize NVML: Unknown Error",),
            why="systemd writes the device rights of its control groups anew at every reload, and "
            "does not know of devices that the toolkit added by itself.",
            seen_by="Device files in a container whose NVML answers 999.",
            confirmed_by="It works again after the container is started anew.",
            remedy="Start it anew; for good, CDI, `--device`, or cgroupfs.",
            sources=("nvidia-container-toolkit#48", "nvidia-container-toolkit#1227"),
        ),
    ),
    Check(
        id="driver-capabilities-missing-compute",
        group="nvidia",
        summary="a container without the computing part of the driver",
        run=no_compute_capability,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=("nvidia-smi works, and no framework finds a GPU",),
            why="NVIDIA_DRIVER_CAPABILITIES says which libraries of the driver are brought in.",
            seen_by="The variable, and whether there is a libcuda.so.1.",
            remedy="Set it to `compute,utility`, or `all`.",
            sources=("NVIDIA Container Toolkit, documentation of its environment variables",),
        ),
    ),
    Check(
        id="selinux-or-seccomp-blocks-gpu",
        group="nvidia",
        summary="device files of the GPU that may not be opened",
        run=access_blocked,
        page=Page(
            symptoms=("Failed to initialize NVML: Insufficient Permissions",),
            why="Whoever may not open the device files cannot use the GPU.",
            seen_by="The rights of /dev/nvidia*, NVML's answer, SELinux and seccomp.",
            remedy="Allow it: the group of the files, or SELinux's label for that container.",
            sources=("docker run, manual, --security-opt",),
        ),
    ),
)
