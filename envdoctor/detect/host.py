"""The operating system, what it runs inside of, and what guards it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.detect.apple import is_translated
from envdoctor.detect.kernel_log import read_messages
from envdoctor.detect.reading import exists, named_values, read_number, read_text
from envdoctor.model.machine import Machine, Platform, Unseen

if TYPE_CHECKING:
    from collections.abc import Mapping

SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
"""The variable of the UEFI specification, section 3.3: four bytes of attributes and a flag."""
HOSTED = {
    "COLAB_RELEASE_TAG": "colab",
    "COLAB_GPU": "colab",
    "KAGGLE_KERNEL_RUN_TYPE": "kaggle",
    "VERTEX_PRODUCT": "vertex",
    "SAGEMAKER_INTERNAL_IMAGE_URI": "sagemaker",
    "DATABRICKS_RUNTIME_VERSION": "databricks",
}
"""Variables that hosted notebooks set."""
HYPERVISORS = {
    "vmware": "vmware",
    "virtualbox": "virtualbox",
    "qemu": "kvm",
    "kvm": "kvm",
    "google compute engine": "kvm",
    "openstack": "kvm",
    "xen": "xen",
    "virtual machine": "hyper-v",
}
"""What firmware calls the maker or the product of a virtual machine."""


def detect(root: Path = Path("/"), variables: Mapping[str, str] = os.environ) -> Machine:
    """The platform of this process, with what could not be looked at."""
    system = platform.system()
    unseen = []
    if system == "Linux":
        unseen = [
            Unseen(what=f"/{name}", reason="it is not mounted here")
            for name in ("proc", "sys")
            if not exists(root / name / ("self" if name == "proc" else "devices"))
        ]
    return Machine(platform=read_platform(root, variables, system), unseen=tuple(unseen))


def read_platform(root: Path, variables: Mapping[str, str], system: str) -> Platform:
    """The platform, from the files under a root and the variables of the process."""
    kernel = platform.release()
    release = named_values(read_text(root / "etc/os-release"))
    status = named_values(read_text(root / "proc/self/status"))
    seccomp = status.get("Seccomp", "")
    tegra = read_text(root / "etc/nv_tegra_release").splitlines()
    return Platform(
        system=system,
        kernel=kernel,
        architecture=platform.machine(),
        distribution=release.get("ID", ""),
        distribution_version=release.get("VERSION_ID", ""),
        libc=_libc(root) if system == "Linux" else "",
        wsl=wsl_generation(kernel),
        container=container_kind(root, variables),
        virtual_machine=hypervisor(root),
        hosted=hosted_service(root, variables),
        jetson=tegra[0] if tegra else "",
        translated=is_translated(system),
        secure_boot=secure_boot(root),
        selinux_enforcing=_flag(root / "sys/fs/selinux/enforce"),
        seccomp=int(seccomp) if seccomp.isdecimal() else None,
        resumed=_resumed(root),
        kernel_messages=read_messages(root) if system == "Linux" else None,
    )


def wsl_generation(kernel: str) -> int:
    """1 or 2 by the name of the kernel, 0 outside of WSL."""
    if "microsoft" not in kernel.lower():
        return 0
    return 1 if kernel.endswith("-Microsoft") else 2


def container_kind(root: Path, variables: Mapping[str, str]) -> str:
    """What kind of container this is, by the marks that they leave; empty outside of one."""
    if "APPTAINER_CONTAINER" in variables or "SINGULARITY_CONTAINER" in variables:
        return "apptainer"
    if "KUBERNETES_SERVICE_HOST" in variables or exists(
        root / "run/secrets/kubernetes.io/serviceaccount"
    ):
        return "kubernetes"
    if exists(root / "run/.containerenv"):
        return "podman"
    if exists(root / ".dockerenv"):
        return "docker"
    told = variables.get("container", "") or read_text(root / "run/systemd/container")
    for kind in ("docker", "podman", "lxc"):
        if kind in told:
            return kind
    return "other" if told else _container_by_groups(root)


def _container_by_groups(root: Path) -> str:
    """By the control groups of the first process, and by where the root folder lies."""
    told = read_text(root / "proc/1/cgroup") + _root_mount(root)
    for mark, kind in (
        ("kubepods", "kubernetes"),
        ("libpod", "podman"),
        ("docker", "docker"),
        ("lxc", "lxc"),
        ("containerd", "other"),
    ):
        if mark in told:
            return kind
    return ""


def _root_mount(root: Path) -> str:
    """The line of mountinfo of `/` if it is an overlay, which holds the path of its layers."""
    for line in read_text(root / "proc/self/mountinfo").splitlines():
        words = line.split()
        if len(words) > 4 and words[4] == "/":
            return line if " - overlay " in line else ""
    return ""


def hypervisor(root: Path) -> str:
    """The hypervisor, by what the firmware and the processor say; empty on real hardware."""
    if "xen" in read_text(root / "sys/hypervisor/type"):
        return "xen"
    folder = root / "sys/class/dmi/id"
    told = " ".join(read_text(folder / name) for name in ("sys_vendor", "product_name")).lower()
    for mark, kind in HYPERVISORS.items():
        if mark in told:
            return kind
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", read_text(root / "proc/cpuinfo"), re.MULTILINE)
    return "other" if flags else ""


def hosted_service(root: Path, variables: Mapping[str, str]) -> str:
    """The hosted notebook service that this is; empty elsewhere."""
    for name, service in HOSTED.items():
        if name in variables:
            return service
    if exists(root / "opt/ml/metadata/resource-metadata.json"):
        return "sagemaker"
    return ""


def secure_boot(root: Path) -> bool | None:
    """Whether the firmware runs signed code only; None where that cannot be read."""
    try:
        content = (root / SECURE_BOOT).read_bytes()
    except OSError:
        return None
    return content[4] == 1 if len(content) >= 5 else None


def _flag(path: Path) -> bool | None:
    value = read_number(path)
    return None if value is None else value == 1


def _resumed(root: Path) -> bool | None:
    """Whether the kernel counts a suspension that succeeded since it was started."""
    times = read_number(root / "sys/power/suspend_stats/success")
    return None if times is None else times > 0


def _libc(root: Path) -> str:
    """Of this Python; musl does not tell its version, but the package list of Alpine does."""
    try:
        told = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        told = None
    if told:
        return told
    found = re.search(
        r"^P:musl\nV:([\d.]+)", read_text(root / "lib/apk/db/installed"), re.MULTILINE
    )
    return f"musl {found[1]}" if found else "musl"
