"""What programs for CUDA can expect of this machine: its GPUs, and what its driver runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.checks.compat import driver_floor, driver_runs, system_of
from envdoctor.checks.hardware import nvidia_cards
from envdoctor.model.finding import Evidence, Remedy

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment
    from envdoctor.model.machine import Machine

COMPATIBILITY_FOLDER = "/compat/"
HIDING_VARIABLES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
HIDING_VALUES = frozenset({"", "-1", "none", "void", "NoDevFiles"})


def has_nvidia_gpu(machine: Machine) -> bool:
    """Whether an NVIDIA GPU is there for programs to use, with or without a working driver.

    A container that was given no device sees those of its host on the PCI bus, and has none. Nor
    is a card there that the host keeps for its virtual machines.
    """
    nvidia = machine.nvidia
    if nvidia is not None and nvidia.gpus:
        return True
    if machine.platform.container and not (nvidia is not None and nvidia.nodes):
        return False
    return bool(nvidia_cards(machine))


def driver_of(machine: Machine) -> str:
    """The driver's version by NVML, else by its kernel module; empty if unknown."""
    nvidia = machine.nvidia
    return "" if nvidia is None else nvidia.driver_version or nvidia.kernel_version


def capabilities_of(machine: Machine) -> tuple[str, ...]:
    """The compute capability of every GPU that tells it."""
    gpus = machine.nvidia.gpus if machine.nvidia is not None else ()
    return tuple(gpu.compute_capability for gpu in gpus if gpu.compute_capability)


def gpu_evidence(machine: Machine) -> tuple[Evidence, ...]:
    """Which GPU is there, and how it is known."""
    nvidia = machine.nvidia
    if nvidia is not None and nvidia.gpus:
        names = [gpu.name or f"GPU {gpu.index}" for gpu in nvidia.gpus]
        counted = [
            f"{names.count(name)} x {name}" if names.count(name) > 1 else name
            for name in dict.fromkeys(names)
        ]
        driver = f", driver {driver_of(machine)}" if driver_of(machine) else ""
        return (Evidence(fact=", ".join(counted) + driver, source="NVML"),)
    return tuple(
        Evidence(fact=f"NVIDIA GPU at {each.address}", source="/sys/bus/pci/devices")
        for each in nvidia_cards(machine)
    )


def hides_gpus(environment: Environment) -> bool:
    """Whether a variable hides every NVIDIA GPU, as those do who want the CPU."""
    variables = environment.variables
    return any(variables.get(name, "0").strip() in HIDING_VALUES for name in HIDING_VARIABLES)


def runs(machine: Machine, cuda: str) -> bool | None:
    """Whether the driver runs programs for this CUDA version; None if that is not known.

    With NVIDIA's forward-compatibility package in front, the driver's own version does not say.
    """
    libraries = machine.nvidia.cuda_libraries if machine.nvidia is not None else ()
    if libraries and COMPATIBILITY_FOLDER in libraries[0].path:
        return None
    return driver_runs(driver_of(machine), cuda, system_of(machine.platform))


def update_driver(machine: Machine, cuda: str) -> Remedy:
    """Get a driver that runs programs for this CUDA version."""
    platform = machine.platform
    floor = driver_floor(cuda, system_of(platform))
    wanted = f"NVIDIA driver {floor} or newer"
    if platform.wsl:
        text = f"Install {wanted} in Windows; WSL uses that one."
        return Remedy(text=text, needs_root=True, restarts=True)
    if platform.container or platform.hosted:
        text = f"Have {wanted} installed on the host: a container uses the host's driver."
        return Remedy(text=text, needs_root=True, restarts=True)
    command = "sudo ubuntu-drivers install" if platform.distribution == "ubuntu" else ""
    by = "This takes the driver that Ubuntu recommends; see that it is" if command else "Install"
    return Remedy(command=command, text=f"{by} {wanted}.", needs_root=True, restarts=True)
