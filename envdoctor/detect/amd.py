"""AMD GPUs as the kernel fusion driver (KFD) shows them in sysfs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.detect.reading import children, device_nodes, exists, number, read_text
from envdoctor.model.machine import Amd, AmdGpu, Machine

if TYPE_CHECKING:
    from collections.abc import Iterable

TOPOLOGY = "sys/class/kfd/kfd/topology/nodes"
GPU_HEAPS = {1, 2}
"""Heap types of kfd_sysfs.h for memory on the board: visible to the host, and not."""
AMD = 0x1002


def detect(root: Path = Path("/")) -> Machine:
    """AMD's part, if there is an AMD GPU or AMD's driver."""
    return Machine(amd=read_amd(root, _groups()))


def read_amd(root: Path, groups: Iterable[int]) -> Amd | None:
    """The GPUs of the topology and the files to open for them; None without any trace."""
    kfd = root / "dev/kfd"
    gpus = tuple(read_gpus(root))
    if not (gpus or exists(kfd) or exists(root / "sys/module/amdgpu")):
        return None
    paths = [kfd, *children(root / "dev/dri", "renderD*")] if gpus or exists(kfd) else []
    return Amd(
        driver_version=read_text(root / "sys/module/amdgpu/version"),
        gpus=gpus,
        nodes=tuple(device_nodes(paths, root)),
        groups=tuple(sorted(groups)),
        rocm_version=read_text(root / "opt/rocm/.info/version"),
    )


def read_gpus(root: Path) -> list[AmdGpu]:
    """The nodes of the topology that are GPUs; processors have the target version 0."""
    found = []
    for folder in sorted(children(root / TOPOLOGY), key=lambda path: path.name.zfill(4)):
        version = _property(folder / "properties", "gfx_target_version")
        if version:
            found.append(
                AmdGpu(gfx=gfx_name(version), name=_name(folder), total_bytes=_memory(folder))
            )
    return found


def gfx_name(version: int) -> str:
    """The name of an architecture from KFD's number: 90402 is gfx942, 90010 is gfx90a."""
    major, minor, stepping = version // 10_000, version // 100 % 100, version % 100
    return f"gfx{major}{minor:x}{stepping:x}"


def _name(folder: Path) -> str:
    """The code name of the chip; what was found by asking the card itself has none."""
    name = read_text(folder / "name")
    return "" if name == "ip discovery" else name


def _memory(folder: Path) -> int | None:
    banks = [each / "properties" for each in children(folder / "mem_banks")]
    sizes = [
        _property(bank, "size_in_bytes")
        for bank in banks
        if _property(bank, "heap_type") in GPU_HEAPS
    ]
    return sum(sizes) or None


def _property(path: Path, name: str) -> int:
    for line in read_text(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return number(value) or 0
    return 0


def _groups() -> list[int]:
    return list(dict.fromkeys([os.getegid(), *os.getgroups()])) if hasattr(os, "getgroups") else []
