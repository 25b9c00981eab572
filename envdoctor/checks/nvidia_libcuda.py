"""Which libcuda the loader finds first, where it is not the driver's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import probe_texts, whole_gpus
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.machine import Nvidia
    from envdoctor.model.snapshot import Snapshot

WSL_FOLDER = "/usr/lib/wsl/"


def compat_on_geforce(snapshot: Snapshot) -> Iterator[Finding]:
    """CUDA's forward compatibility comes first on a card that it is not made for."""
    nvidia = snapshot.machine.nvidia
    if nvidia is None or not nvidia.cuda_libraries:
        return
    first = nvidia.cuda_libraries[0]
    cards = [gpu for gpu in whole_gpus(snapshot.machine) if "GeForce" in gpu.name]
    refused = "forward compatibility was attempted" in probe_texts(snapshot)
    if "/compat/" not in f"{first.path} {first.real_path}" or not (cards or refused):
        return
    if not refused and not _is_newer(first.real_path, nvidia):
        return
    names = ", ".join(dict.fromkeys(gpu.name for gpu in cards)) or "this GPU"
    yield Finding(
        id="cuda-compat-on-geforce",
        status="fail",
        title="CUDA's forward compatibility is in force on a GPU that does not support it",
        evidence=(
            Evidence(fact=f"{first.real_path} comes first", source=first.origin),
            Evidence(
                fact=f"the loaded module is {nvidia.kernel_version or 'older'}",
                source="/proc/driver/nvidia/version",
            ),
            Evidence(fact=names, source="NVML"),
        ),
        cause="The image brings a newer libcuda than the driver's own. That works on data centre "
        "GPUs; on others every call ends with error 804.",
        remedies=(
            Remedy(
                text="Upgrade the driver of the host to the CUDA version of the image, or take "
                "an image of an older CUDA."
            ),
            Remedy(
                command="sudo rm /etc/ld.so.conf.d/*compat* && sudo ldconfig",
                text="Or, in the image: take its libcuda off the loader's path, so that the "
                "driver's own is used.",
                needs_root=True,
            ),
        ),
        verify="ldconfig -p | grep libcuda.so.1",
    )


def _is_newer(real_path: str, nvidia: Nvidia) -> bool:
    """Whether a libcuda is of a newer version than the loaded module; yes, if that is not known."""
    try:
        library = Version(real_path.rpartition(".so.")[2])
        return library > Version(nvidia.kernel_version)
    except InvalidVersion:
        return True


def wsl_driver(snapshot: Snapshot) -> Iterator[Finding]:
    """Under WSL, another libcuda than that of Windows comes first."""
    machine, nvidia = snapshot.machine, snapshot.machine.nvidia
    if nvidia is None or machine.platform.wsl != 2 or machine.platform.container:
        return
    libraries = nvidia.cuda_libraries
    ours = [each for each in libraries if each.path.startswith(WSL_FOLDER)]
    if not ours:
        return  # Windows has no NVIDIA driver, or a GPU of another maker
    first = libraries[0]
    hidden = first.origin == "WSL folder"
    foreign = not first.path.startswith(WSL_FOLDER) and not first.real_path.startswith(WSL_FOLDER)
    if not (foreign or hidden or nvidia.driver_packages):
        return
    works = not (foreign or hidden)
    yield Finding(
        id="wsl-linux-driver-installed",
        status="warn" if works else "fail",
        title="The loader does not find the driver that Windows gives to WSL"
        if hidden
        else "A Linux driver of NVIDIA is installed under WSL",
        evidence=(
            Evidence(fact=f"{first.path} comes first", source=first.origin),
            *(
                Evidence(fact=f"{name} is installed", source="dpkg")
                for name in nvidia.driver_packages
            ),
        ),
        cause="Under WSL the driver is that of Windows; its libcuda lies in /usr/lib/wsl/lib. A "
        "driver for Linux brings another one, which finds no GPU.",
        remedies=_mend_wsl(nvidia, hidden=hidden),
        verify="ldconfig -p | grep libcuda.so.1 && /usr/lib/wsl/lib/nvidia-smi",
    )


def _mend_wsl(nvidia: Nvidia, *, hidden: bool) -> tuple[Remedy, ...]:
    front = Remedy(
        command="export LD_LIBRARY_PATH=/usr/lib/wsl/lib:$LD_LIBRARY_PATH",
        text="Let the loader look into the folder of WSL first.",
    )
    if hidden or not nvidia.driver_packages:
        return (front,)
    purge = Remedy(
        command=f"sudo apt purge {' '.join(nvidia.driver_packages)} && sudo apt autoremove",
        text="Remove the driver for Linux; then `wsl --shutdown` in Windows and start anew.",
        needs_root=True,
        restarts=True,
    )
    return (purge, front)


CHECKS: tuple[Check, ...] = (
    Check(
        id="cuda-compat-on-geforce",
        group="nvidia",
        summary="CUDA's forward compatibility where it is not supported",
        run=compat_on_geforce,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=("Error 804: forward compatibility was attempted on non supported HW",),
            why="Images of CUDA bring a libcuda for older drivers of data centre GPUs.",
            seen_by="The libcuda that the loader finds first, the version of the loaded module and "
            "the names of the GPUs.",
            confirmed_by="`envdoctor check --deep`: error 804.",
            remedy="A newer driver on the host, or the driver's own libcuda first.",
            sources=("nvidia-docker#1515", "nvidia-docker#1294"),
        ),
    ),
    Check(
        id="wsl-linux-driver-installed",
        group="nvidia",
        summary="a Linux driver under WSL, or WSL's own libraries out of sight",
        run=wsl_driver,
        page=Page(
            symptoms=(
                "nvidia-smi works, torch.cuda.is_available() is False",
                "Error 2: out of memory",
            ),
            why="Under WSL, Windows brings the driver; one for Linux only gets in its way.",
            seen_by="Every libcuda.so.1 in the loader's order, and the installed packages.",
            remedy="Remove the Linux driver, and let /usr/lib/wsl/lib come first.",
            sources=("cuml#6218", "WSL#9092", "WSL#9254", "WSL#8587"),
        ),
    ),
)
