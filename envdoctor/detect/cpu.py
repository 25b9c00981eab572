"""The processor and the share of it that this process may use."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.detect.cgroup import cpu_quota
from envdoctor.model.facts import Cpu

if TYPE_CHECKING:
    from collections.abc import Iterable

CPUINFO = Path("/proc/cpuinfo")
SYSFS = Path("/sys/devices/system")


def read_cpu() -> Cpu:
    """Model from /proc/cpuinfo, affinity from the scheduler, quota from the control groups."""
    logical = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        allowed = tuple(sorted(os.sched_getaffinity(0)))
    else:
        allowed = tuple(range(logical))
    return Cpu(model=read_model(), logical=logical, allowed=allowed, quota=cpu_quota())


def choose_cpus(cpu: Cpu, threads: int | None, sysfs: Path = SYSFS) -> tuple[int, ...]:
    """The CPUs of the budget: as many as mask, quota and wish allow, at least one.

    A fractional quota is rounded down: more threads than the quota pays for are throttled. Which
    of them: one of each physical core before a second of any, and all of one NUMA node if a node
    has as many cores. A single CPU is an isolated one, if one is allowed; several are not, as far
    as others suffice, because the kernel does not spread threads over isolated CPUs.

    Args:
        cpu: what this process may use.
        threads: how many CPUs are wished for; None for all.
        sysfs: where the kernel describes CPUs and nodes; without it the lowest numbers are taken.
    """
    count = len(cpu.allowed)
    if cpu.quota is not None:
        count = min(count, max(1, int(cpu.quota)))
    if threads is not None:
        count = min(count, threads)
    count = max(1, count)
    isolated = read_cpu_list(sysfs / "cpu" / "isolated")
    apart = [each for each in cpu.allowed if each in isolated]
    others = [each for each in cpu.allowed if each not in isolated]
    first, second = (apart, others) if count == 1 else (others, apart)
    ordered = [*_by_preference(first, count, sysfs), *_by_preference(second, count, sysfs)]
    return tuple(sorted(ordered[:count]))


def _by_preference(cpus: Iterable[int], count: int, sysfs: Path) -> list[int]:
    """Order CPUs by their turn within their core, then by node: the best node for `count` first."""
    nodes: dict[int, list[int]] = {}
    turns: dict[int, int] = {}
    cores: dict[frozenset[int], int] = {}
    homes = _nodes(sysfs)
    for cpu in sorted(cpus):
        core = _siblings(cpu, sysfs)
        turns[cpu] = cores.get(core, 0)
        cores[core] = turns[cpu] + 1
        nodes.setdefault(homes.get(cpu, 0), []).append(cpu)
    by_fit = sorted(nodes, key=lambda node: _fit(nodes[node], turns, count))
    places = {cpu: place for place, node in enumerate(by_fit) for cpu in nodes[node]}
    return sorted(turns, key=lambda cpu: (turns[cpu], places[cpu], cpu))


def _fit(cpus: list[int], turns: dict[int, int], count: int) -> tuple[bool, int, int]:
    """Sorts nodes: those with enough cores, then those with most, then those that come first."""
    cores = sum(1 for cpu in cpus if turns[cpu] == 0)
    return (cores < count, 0 if cores >= count else -cores, min(cpus))


def _siblings(cpu: int, sysfs: Path) -> frozenset[int]:
    """The CPUs of its physical core, itself among them."""
    return read_cpu_list(sysfs / "cpu" / f"cpu{cpu}" / "topology" / "thread_siblings_list") | {cpu}


def _nodes(sysfs: Path) -> dict[int, int]:
    """The NUMA node of each CPU; empty where there are none."""
    return {
        cpu: int(folder.name.removeprefix("node"))
        for folder in sorted((sysfs / "node").glob("node[0-9]*"))
        if folder.name.removeprefix("node").isdecimal()
        for cpu in read_cpu_list(folder / "cpulist")
    }


def read_cpu_list(path: Path) -> frozenset[int]:
    """CPUs in the kernel's form, `0-3,8`; none if it cannot be read."""
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return frozenset()
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if first.isdecimal() and last.isdecimal():
            found.update(range(int(first), int(last) + 1))
    return frozenset(found)


def read_model() -> str:
    """The name of the processor, as the system tells it."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or "unknown"
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model", "cpu model"}:
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"
