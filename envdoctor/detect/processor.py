"""The processor in full: instruction sets, cores, nodes, governors, and our share of it."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from envdoctor.detect.cgroup import throttled_periods
from envdoctor.detect.cpu import read_cpu, read_cpu_list
from envdoctor.detect.reading import children, exists, read_text
from envdoctor.model.machine import Machine, Processor

MOST_GOVERNORS = 256
"""CPUs that are asked for their governor: one file each, and all of a machine tend to agree."""


def detect(root: Path = Path("/")) -> Machine:
    """The processor of this machine."""
    cpu = read_cpu()
    return Machine(
        processor=Processor(
            model=cpu.model,
            flags=read_flags(root),
            logical=cpu.logical,
            physical=read_physical(root) or _physical_elsewhere(),
            allowed=cpu.allowed,
            quota=cpu.quota,
            throttled_periods=throttled_periods(),
            numa_nodes=read_nodes(root),
            governors=read_governors(root),
        )
    )


def read_flags(root: Path) -> tuple[str, ...]:
    """Instruction sets from /proc/cpuinfo: `flags` on x86, `Features` on Arm."""
    found = re.search(
        r"^(?:flags|Features)\s*:(.*)$", read_text(root / "proc/cpuinfo"), re.MULTILINE
    )
    return tuple(found[1].lower().split()) if found else ()


def read_physical(root: Path) -> int | None:
    """The number of cores: every pair of package and core in /proc/cpuinfo, or in sysfs."""
    text = read_text(root / "proc/cpuinfo")
    packages = re.findall(r"^physical id\s*:\s*(\d+)$", text, re.MULTILINE)
    cores = re.findall(r"^core id\s*:\s*(\d+)$", text, re.MULTILINE)
    if packages and len(packages) == len(cores):
        return len(set(zip(packages, cores, strict=True)))
    folders = children(root / "sys/devices/system/cpu", "cpu[0-9]*")
    siblings = {read_text(each / "topology/thread_siblings_list") for each in folders} - {""}
    return len(siblings) or None


def read_nodes(root: Path) -> int | None:
    """The number of NUMA nodes that have CPUs; None where the kernel does not tell."""
    folder = root / "sys/devices/system/node"
    if not exists(folder):
        return None
    nodes = children(folder, "node[0-9]*")
    return sum(bool(read_cpu_list(node / "cpulist")) for node in nodes) or None


def read_governors(root: Path) -> tuple[str, ...]:
    """The different scaling governors; none in most virtual machines."""
    folders = children(root / "sys/devices/system/cpu/cpufreq", "policy[0-9]*")
    told = {read_text(each / "scaling_governor") for each in folders[:MOST_GOVERNORS]}
    return tuple(sorted(told - {""}))


def _physical_elsewhere() -> int | None:
    """The number of cores where there is no /proc; psutil is imported there only."""
    if platform.system() == "Linux":
        return None
    import psutil

    return psutil.cpu_count(logical=False)
