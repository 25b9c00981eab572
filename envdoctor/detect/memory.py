"""The memory of the machine, the limit on it, and what has been killed for want of it."""

from __future__ import annotations

import os
from pathlib import Path

from envdoctor.detect.cgroup import memory_kills, memory_limit
from envdoctor.detect.reading import named_values, read_text
from envdoctor.model.machine import HostMemory, Machine


def detect(root: Path = Path("/")) -> Machine:
    """The memory of this machine."""
    total, available, swap = read_amounts(root)
    shared = _space(root / "dev/shm")
    return Machine(
        memory=HostMemory(
            total_bytes=total,
            available_bytes=available,
            swap_bytes=swap,
            limit_bytes=memory_limit(),
            limit_kills=memory_kills(),
            shared_total_bytes=shared[0],
            shared_free_bytes=shared[1],
        )
    )


def read_amounts(root: Path) -> tuple[int, int, int]:
    """Total, available and swap, from /proc/meminfo; elsewhere and on old kernels from psutil."""
    values = named_values(read_text(root / "proc/meminfo"))
    total, available = (_bytes(values.get(name, "")) for name in ("MemTotal", "MemAvailable"))
    if total and available:
        return total, available, _bytes(values.get("SwapTotal", ""))
    import psutil

    memory = psutil.virtual_memory()
    return memory.total, memory.available, psutil.swap_memory().total


def _bytes(text: str) -> int:
    """`16 kB` as bytes; the kernel means KiB."""
    words = text.split()
    return int(words[0]) * 1024 if words and words[0].isdecimal() else 0


def _space(folder: Path) -> tuple[int | None, int | None]:
    try:
        found = os.statvfs(folder)
    except (AttributeError, OSError):
        return None, None
    return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
