"""The kernel module of NVIDIA GPUs: whether one is loaded, which, and what keeps it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import (
    by_need,
    card_evidence,
    manager_of,
    nvidia_cards,
    system_install,
    wanted_by,
)
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.finding import Status
    from envdoctor.model.machine import Machine
    from envdoctor.model.snapshot import Snapshot

REJECTED = ("unavailable key", "Key was rejected")
"""What the kernel writes when it refuses a module without a known signature."""
KEYS = {
    "ubuntu": "/var/lib/shim-signed/mok/MOK.der",
    "debian": "/var/lib/dkms/mok.pub",
    "fedora": "/etc/pki/akmods/certs/public_key.der",
}
"""Where distributions keep the key that they sign modules with: wiki.debian.org/SecureBoot,
wiki.ubuntu.com/UEFI/SecureBoot/DKMS, rpmfusion.org/Howto/Secure%20Boot."""


def module_not_loaded(snapshot: Snapshot) -> Iterator[Finding]:
    """The bus has a GPU, and no driver of NVIDIA or nouveau is loaded for it."""
    machine = snapshot.machine
    cards = nvidia_cards(machine)
    nvidia = machine.nvidia
    if not cards or machine.platform.wsl or machine.platform.container:
        return
    if nvidia and (nvidia.kernel_version or {"nvidia", "nouveau"} & set(nvidia.modules)):
        return
    installed = nvidia is not None and bool(
        nvidia.driver_packages or nvidia.library or nvidia.built_for
    )
    status = "fail" if installed else by_need(snapshot.environment)
    kernel = machine.platform.kernel
    facts = [card_evidence(card) for card in cards]
    facts.append(Evidence(fact="no module `nvidia` is loaded", source="/sys/module"))
    built = nvidia.built_for if nvidia else None
    if installed and built is not None and kernel not in built:
        names = ", ".join(built) or "none"
        facts.append(Evidence(fact=f"built for {names}, not for {kernel}", source="/lib/modules"))
    yield Finding(
        id="nvidia-kernel-module-not-loaded",
        status=status,
        title="The NVIDIA GPU has no driver"
        if not installed
        else "NVIDIA's driver is installed, but its kernel module is not loaded",
        evidence=(*facts, *wanted_by(snapshot.environment)),
        cause="The kernel has no module for the GPU, so that no framework can use it."
        if not installed
        else "Without the module nothing can talk to the GPU. After an update of the kernel the "
        "module has often not been built anew.",
        remedies=_load(machine, installed=installed),
        verify="nvidia-smi",
    )


def _load(machine: Machine, *, installed: bool) -> tuple[Remedy, ...]:
    platform = machine.platform
    if not installed:
        command = "sudo ubuntu-drivers install" if platform.distribution == "ubuntu" else ""
        text = "Install NVIDIA's driver as your distribution offers it, and start the machine anew."
        return (Remedy(command=command, text=text, needs_root=True, restarts=True),)
    built = machine.nvidia.built_for if machine.nvidia else None
    if built and platform.kernel in built:
        text = "The module lies ready for this kernel: load it."
        return (Remedy(command="sudo modprobe nvidia", text=text, needs_root=True),)
    rebuild = {
        "apt": f"linux-headers-{platform.kernel}",
        "dnf": f"kernel-devel-{platform.kernel}",
        "pacman": "linux-headers",
    }
    build = "sudo dkms autoinstall"
    if platform.distribution == "fedora":
        build = "sudo akmods --force"
    return (
        system_install(
            platform,
            rebuild,
            "Build the module for the kernel that runs, and load it.",
            f"{build} && sudo modprobe nvidia",
        ),
    )


def secure_boot(snapshot: Snapshot) -> Iterator[Finding]:
    """The module lies ready, the firmware runs signed code only, and nothing is loaded."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    if nvidia is None or not nvidia_cards(machine) or machine.platform.secure_boot is not True:
        return
    if nvidia.kernel_version or "nvidia" in nvidia.modules or machine.platform.container:
        return
    messages = machine.platform.kernel_messages or ()
    said = next((line for line in messages if any(mark in line for mark in REJECTED)), "")
    built = nvidia.built_for or ()
    if not said and machine.platform.kernel not in built:
        return
    facts = [
        Evidence(fact="Secure Boot is on", source="efivars"),
        Evidence(fact="no module `nvidia` is loaded", source="/sys/module"),
    ]
    if machine.platform.kernel in built:
        fact = f"a module is built for {machine.platform.kernel}"
        facts.append(Evidence(fact=fact, source="/lib/modules"))
    if said:
        facts.append(Evidence(fact=said, source="kernel log"))
    yield Finding(
        id="secure-boot-rejects-nvidia-module",
        status="fail",
        title="Secure Boot does not let the kernel load NVIDIA's module",
        evidence=tuple(facts),
        cause="The module is built, but its signature is not among the keys of this machine's "
        "firmware, so that the kernel refuses it.",
        remedies=(_enrol(machine.platform.distribution),),
        verify="mokutil --sb-state && nvidia-smi",
    )


def _enrol(distribution: str) -> Remedy:
    key = KEYS.get(distribution, "")
    text = "Enrol the key that the module was signed with, start the machine anew, and confirm it "
    text += "in the blue screen that comes up."
    command = f"sudo mokutil --import {key}" if key else ""
    return Remedy(command=command, text=text, needs_root=True, restarts=True)


def nouveau_active(snapshot: Snapshot) -> Iterator[Finding]:
    """The GPU is bound to nouveau, which knows no CUDA."""
    cards = [card for card in nvidia_cards(snapshot.machine) if card.driver == "nouveau"]
    if not cards or snapshot.machine.platform.container:
        return
    nvidia = snapshot.machine.nvidia
    intended = bool(nvidia and nvidia.driver_packages)
    status: Status = "fail" if intended else by_need(snapshot.environment)
    packages = tuple(
        Evidence(fact=f"{name} is installed", source="dpkg")
        for name in (nvidia.driver_packages if nvidia else ())
    )
    yield Finding(
        id="nouveau-driver-active",
        status=status,
        title="The NVIDIA GPU is run by nouveau, which cannot compute with CUDA",
        evidence=(
            *(card_evidence(card) for card in cards),
            *packages,
            *wanted_by(snapshot.environment),
        ),
        cause="A GPU has one driver at a time. While nouveau has it, NVIDIA's own driver cannot.",
        remedies=_without_nouveau(snapshot.machine, installed=intended),
        verify="nvidia-smi",
    )


def _without_nouveau(machine: Machine, *, installed: bool) -> tuple[Remedy, ...]:
    refresh = {
        "apt": "sudo update-initramfs -u",
        "dnf": "sudo dracut --force",
        "pacman": "sudo mkinitcpio -P",
        "zypper": "sudo dracut --force",
    }.get(manager_of(machine.platform), "")
    lines = r"'blacklist nouveau\noptions nouveau modeset=0\n'"
    write = f"printf {lines} | sudo tee /etc/modprobe.d/blacklist-nouveau.conf"
    ban = Remedy(
        command=" && ".join(each for each in (write, refresh, "sudo reboot") if each),
        text="Keep nouveau from being loaded, and start the machine anew.",
        needs_root=True,
        restarts=True,
    )
    return (ban,) if installed else (*_load(machine, installed=False), ban)


CHECKS: tuple[Check, ...] = (
    Check(
        id="secure-boot-rejects-nvidia-module",
        group="nvidia",
        summary="a module of NVIDIA that Secure Boot refuses",
        run=secure_boot,
        hides=(
            "nvidia-kernel-module-not-loaded",
            "torch-cpu-wheel-on-gpu-host",
            "tf-cannot-find-cuda",
            "jax-cpu-only-on-gpu-host",
            "probe-sees-no-gpu",
        ),
        page=Page(
            symptoms=("modprobe: ERROR: could not insert 'nvidia': Key was rejected by service",),
            why="With Secure Boot the kernel loads signed modules only. A module that was built on "
            "this machine is signed with a key that the firmware does not know until it is "
            "enrolled.",
            seen_by="The variable SecureBoot of the firmware, the modules that are built and those "
            "that are loaded, and the kernel log where it may be read.",
            confirmed_by="`sudo modprobe nvidia`, and the end of `sudo dmesg`.",
            remedy="Enrol the key with mokutil, or use the signed modules of the distribution.",
            sources=("canonical/nvidia-graphics-drivers#61", "linux-surface#906"),
        ),
    ),
    Check(
        id="nouveau-driver-active",
        group="nvidia",
        summary="an NVIDIA GPU that the driver nouveau runs",
        run=nouveau_active,
        hides=(
            "nvidia-kernel-module-not-loaded",
            "torch-cpu-wheel-on-gpu-host",
            "tf-cannot-find-cuda",
            "jax-cpu-only-on-gpu-host",
            "probe-sees-no-gpu",
        ),
        page=Page(
            symptoms=("No CUDA GPUs are available",),
            why="nouveau is the free driver for the display. It offers no CUDA, and while it is "
            "bound to the GPU, NVIDIA's driver cannot be.",
            seen_by="The driver that each GPU on the PCI bus is bound to.",
            remedy="Install NVIDIA's driver, keep nouveau from being loaded, start anew.",
            sources=("Oneflow#3106", "gpu-driver-container#44"),
        ),
    ),
    Check(
        id="nvidia-kernel-module-not-loaded",
        group="nvidia",
        summary="an NVIDIA GPU without a loaded driver",
        run=module_not_loaded,
        hides=(
            "torch-cpu-wheel-on-gpu-host",
            "tf-cannot-find-cuda",
            "jax-cpu-only-on-gpu-host",
            "probe-sees-no-gpu",
        ),
        page=Page(
            symptoms=(
                (
                    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
                    "Make sure that the latest NVIDIA driver is installed and running."
                ),
            ),
            why="The kernel needs a module for the GPU. It is built for one kernel; after an "
            "update of the kernel it must be built anew.",
            seen_by="GPUs on the PCI bus, /proc/driver/nvidia/version, /sys/module/nvidia, and the "
            "modules under /lib/modules.",
            confirmed_by="`nvidia-smi` and `sudo modprobe nvidia`.",
            remedy="Build the module for the running kernel and load it; install the driver if "
            "there is none.",
            sources=("GoogleCloudPlatform/compute-gpu-installation PR#18",),
        ),
    ),
)
