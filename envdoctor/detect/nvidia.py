"""NVIDIA's driver and GPUs: the files of the system first, then NVML in a process of its own."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.detect.libraries import find_libraries
from envdoctor.detect.nvml_question import TIME_LIMIT_SECONDS, ask
from envdoctor.detect.reading import children, device_nodes, exists, read_number, read_text
from envdoctor.model.machine import Machine, Nvidia, Unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envdoctor.detect.nvml_question import Answer

VENDOR = 0x10DE
MODULES = ("nvidia", "nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nouveau")
NVML, CUDA = "libnvidia-ml.so.1", "libcuda.so.1"
FABRIC_MANAGER = "nv-fabricmanager"[:15]
"""The kernel cuts the name of a process to 15 characters (proc(5), comm)."""
BUILT_MODULES = (
    "updates/dkms/nvidia.ko*",
    "extra/nvidia.ko*",
    "extra/nvidia/nvidia.ko*",
    "kernel/nvidia-*/nvidia.ko*",
    "kernel/drivers/video/nvidia.ko*",
)
"""Where DKMS, akmods, Ubuntu's signed packages and NVIDIA's installer put the module."""
PACKAGE = re.compile(
    rb"^Package: (nvidia-driver|(?:nvidia-(?:driver|headless|dkms)-|cuda-drivers)\S*)\n"
    rb"Status: install ok installed$",
    re.MULTILINE,
)
WSL_FOLDERS = (("usr/lib/wsl/lib", "WSL folder"),)


def detect(
    root: Path = Path("/"),
    variables: Mapping[str, str] = os.environ,
    question: Callable[[float], Answer] = ask,
) -> Machine:
    """NVIDIA's part; NVML is asked only where there is some other trace of NVIDIA."""
    files = read_files(root, variables)
    if files is None:
        return Machine()
    answer = question(TIME_LIMIT_SECONDS) if _worth_asking(files) else None
    if answer is None:
        return Machine(nvidia=files)
    told = structs.asdict(answer.nvidia)
    known = {name: told[name] for name in answer.nvidia.__struct_fields__ if name in ANSWERED}
    return Machine(
        nvidia=structs.replace(files, **known),
        unseen=(Unseen(what="NVML", reason=answer.reason),) if answer.reason else (),
    )


ANSWERED = ("nvml_error", "nvml_timed_out", "driver_version", "cuda_version", "gpus")
"""The fields that NVML fills."""


def read_files(root: Path, variables: Mapping[str, str]) -> Nvidia | None:
    """All that files tell; None where nothing hints at NVIDIA."""
    nodes = tuple(device_nodes(_node_paths(root), root))
    modules = tuple(name for name in MODULES if exists(root / "sys/module" / name))
    kernel_version = driver_version(read_text(root / "proc/driver/nvidia/version"))
    libraries = find_libraries(NVML, root, variables, WSL_FOLDERS)
    if not (nodes or modules or kernel_version or libraries or _on_bus(root) or _windows_library()):
        return None
    library = libraries[0] if libraries else None
    return Nvidia(
        kernel_version=kernel_version,
        modules=modules,
        built_for=built_kernels(root),
        nodes=nodes,
        library=library,
        library_version=library_version(library.real_path) if library else "",
        cuda_libraries=find_libraries(CUDA, root, variables, WSL_FOLDERS),
        fabric_manager=_fabric_manager(root) if _has_switch(nodes) else None,
        driver_packages=driver_packages(root),
    )


def driver_version(text: str) -> str:
    """The version of the kernel module, by /proc/driver/nvidia/version."""
    found = re.search(r"^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s", text, re.MULTILINE)
    return found[1] if found else ""


def library_version(real_path: str) -> str:
    """The version at the end of a file's name, `libnvidia-ml.so.550.144.03`; empty without one."""
    found = re.search(r"\.so\.(\d+\.\d+(?:\.\d+)?)$", real_path)
    return found[1] if found else ""


def built_kernels(root: Path) -> tuple[str, ...] | None:
    """The kernels that a module lies ready for; None where there are no modules of any kernel."""
    folder = root / "lib/modules"
    if not exists(folder):
        return None
    return tuple(
        kernel.name
        for kernel in children(folder)
        if any(children(kernel, pattern) for pattern in BUILT_MODULES)
    )


def driver_packages(root: Path) -> tuple[str, ...]:
    """Installed packages that bring a driver, by the list of Debian's package manager."""
    try:
        content = (root / "var/lib/dpkg/status").read_bytes()
    except OSError:
        return ()
    return tuple(sorted({name.decode() for name in PACKAGE.findall(content)}))


def _node_paths(root: Path) -> list[Path]:
    return [*children(root / "dev", "nvidia*"), *children(root / "dev", "dxg")]


def _on_bus(root: Path) -> bool:
    return any(
        read_number(folder / "vendor") == VENDOR and (read_number(folder / "class") or 0) >> 16 == 3
        for folder in children(root / "sys/bus/pci/devices")
    )


def _has_switch(nodes: tuple[object, ...]) -> bool:
    return any("nvswitch" in str(getattr(node, "path", "")) for node in nodes)


def _fabric_manager(root: Path) -> bool | None:
    """Whether the fabric manager runs; None if the processes cannot be listed."""
    processes = children(root / "proc", "[0-9]*")
    if not processes:
        return None
    return any(read_text(process / "comm") == FABRIC_MANAGER for process in processes)


def _windows_library() -> bool:
    """Whether Windows has NVIDIA's library, where a driver puts it."""
    return platform.system() == "Windows" and exists(
        Path(os.environ.get("WINDIR", "C:/Windows")) / "System32" / "nvml.dll"
    )


def _worth_asking(files: Nvidia) -> bool:
    """A node, a module or a library, as NVML may be; nouveau and a bare card know no NVML."""
    nvidia_modules = [name for name in files.modules if name != "nouveau"]
    loaded = files.kernel_version or nvidia_modules
    return bool(files.nodes or loaded or files.library or _windows_library())
