"""The processor and the share of it that this process may use."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from envdoctor.detect.cgroup import cpu_quota
from envdoctor.model.facts import Cpu, Facts

CPUINFO = Path("/proc/cpuinfo")


def read_cpu() -> Cpu:
    """Model from /proc/cpuinfo, affinity from the scheduler, quota from the control groups."""
    logical = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        allowed = tuple(sorted(os.sched_getaffinity(0)))
    else:
        allowed = tuple(range(logical))
    return Cpu(model=_model(), logical=logical, allowed=allowed, quota=cpu_quota())


def detect() -> Facts:
    """The processor as facts."""
    return Facts(cpu=read_cpu())


def choose_cpus(cpu: Cpu, threads: int | None) -> tuple[int, ...]:
    """The CPUs of the budget: as many as mask, quota and wish allow, at least one.

    A fractional quota is rounded down: more threads than the quota pays for are throttled.
    """
    count = len(cpu.allowed)
    if cpu.quota is not None:
        count = min(count, max(1, int(cpu.quota)))
    if threads is not None:
        count = min(count, threads)
    return cpu.allowed[: max(1, count)]


def _model() -> str:
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or "unknown"
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model", "cpu model"}:
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"
