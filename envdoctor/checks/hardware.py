"""What checks of hardware share: who the devices are, who wants them, and how systems install."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.model.finding import Evidence, Remedy

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment
    from envdoctor.model.finding import Status
    from envdoctor.model.machine import Machine, NvidiaGpu, PciDevice, Platform
    from envdoctor.model.snapshot import Snapshot

GIB = 1 << 30
NVIDIA, AMD = 0x10DE, 0x1002
"""PCI vendors."""
DISPLAY = 0x03
"""The base class of display controllers on the PCI bus."""
GIVEN_AWAY = {"vfio-pci", "pci-stub", "xen-pciback"}
"""Kernel drivers that keep a device for virtual machines."""
FRAMEWORKS = {
    "torch": ("torch",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly"),
    "jax": ("jax", "jaxlib"),
}
CUDA_PLUGINS = ("jax-cuda12-plugin", "jax-cuda13-plugin")
MANAGERS = {
    "apt": ("debian", "ubuntu", "linuxmint", "pop", "kali", "raspbian"),
    "dnf": ("fedora", "rhel", "rocky", "almalinux", "centos", "ol", "amzn"),
    "pacman": ("arch", "manjaro", "endeavouros", "cachyos"),
    "zypper": ("opensuse-leap", "opensuse-tumbleweed", "sles"),
    "apk": ("alpine",),
}
INSTALL = {
    "apt": "sudo apt install",
    "dnf": "sudo dnf install",
    "pacman": "sudo pacman -S",
    "zypper": "sudo zypper install",
    "apk": "sudo apk add",
}
REBOOT = Remedy(
    command="sudo reboot",
    text="Start the machine anew, so that kernel and libraries are of one version.",
    needs_root=True,
    restarts=True,
)


def nvidia_cards(machine: Machine) -> tuple[PciDevice, ...]:
    """NVIDIA's GPUs on the bus, but for those that are kept for virtual machines."""
    return tuple(
        each
        for each in machine.pci
        if each.vendor == NVIDIA
        and each.class_code >> 16 == DISPLAY
        and each.driver not in GIVEN_AWAY
    )


def card_evidence(card: PciDevice) -> Evidence:
    """A GPU on the bus, with the driver that it is bound to."""
    driver = card.driver or "none"
    fact = f"NVIDIA GPU {card.device:#06x} at {card.address}, driver: {driver}"
    return Evidence(fact=fact, source="/sys/bus/pci")


def whole_gpus(machine: Machine) -> tuple[NvidiaGpu, ...]:
    """The GPUs that NVML told of; without those that it could not reach."""
    gpus = machine.nvidia.gpus if machine.nvidia else ()
    return tuple(gpu for gpu in gpus if gpu.query_error is None)


def built_for_cuda(environment: Environment) -> tuple[str, ...]:
    """The frameworks that want an NVIDIA GPU, with their versions."""
    found = [
        f"{each.name} {each.version} for CUDA {each.cuda}"
        for each in environment.frameworks.values()
        if each.cuda
    ]
    if not any(name.startswith("jax ") for name in found):
        found += [
            f"{name} {environment.distributions[name].version}"
            for name in CUDA_PLUGINS
            if name in environment.distributions
        ]
    return tuple(found)


def frameworks_of(environment: Environment) -> tuple[str, ...]:
    """The frameworks that are installed, by name, whatever they were built for."""
    return tuple(
        name
        for name, distributions in FRAMEWORKS.items()
        if name in environment.frameworks or environment.version_of(*distributions)
    )


def by_need(environment: Environment) -> Status:
    """How bad it is that a GPU cannot be used: it depends on who wants it."""
    if built_for_cuda(environment):
        return "fail"
    return "warn" if frameworks_of(environment) else "info"


def wanted_by(environment: Environment) -> tuple[Evidence, ...]:
    """The frameworks that want a GPU, as evidence."""
    return tuple(Evidence(fact=each, source="environment") for each in built_for_cuda(environment))


def manager_of(platform: Platform) -> str:
    """The package manager of the distribution: `apt`, `dnf`; empty if it is not known."""
    found = (name for name, ids in MANAGERS.items() if platform.distribution in ids)
    return next(found, "")


def system_install(
    platform: Platform, packages: dict[str, str], text: str, after: str = ""
) -> Remedy:
    """Install packages of the system, in the words of its distribution.

    Args:
        platform: whose distribution decides.
        packages: what to install, by package manager.
        text: what it does; also what to do where the distribution is not known.
        after: what to run once it is installed.
    """
    manager = manager_of(platform)
    if manager not in packages:
        return Remedy(text=text, needs_root=True)
    command = f"{INSTALL[manager]} {packages[manager]}"
    return Remedy(command=f"{command} && {after}" if after else command, text=text, needs_root=True)


def thread_budget(machine: Machine) -> int | None:
    """The number of threads that are paid for: affinity and quota, rounded down; None if unknown.

    A part of a CPU is not rounded up: threads beyond the quota are stopped all together.
    """
    allowed = len(machine.processor.allowed) or machine.processor.logical
    if not allowed:
        return None
    quota = machine.processor.quota
    return allowed if quota is None else min(allowed, max(1, int(quota)))


def gib(amount_bytes: float) -> str:
    """`23.5 GiB`."""
    return f"{amount_bytes / GIB:.1f} GiB"


def name_of(gpu: NvidiaGpu) -> str:
    """`GPU 0 (NVIDIA H100 80GB HBM3)`."""
    return f"GPU {gpu.index} ({gpu.name})" if gpu.name else f"GPU {gpu.index}"


def probe_texts(snapshot: Snapshot) -> str:
    """All that the frameworks said when they were exercised; empty if none was."""
    return "\n".join(
        text
        for probe in snapshot.probes or ()
        for text in (
            probe.outcome.reason,
            probe.outcome.details,
            probe.output_tail,
            *(step.message for step in probe.steps),
        )
        if text
    )
