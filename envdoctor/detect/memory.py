"""The memory of the machine and the limit on it."""

from __future__ import annotations

import psutil

from envdoctor.detect.cgroup import memory_limit
from envdoctor.model.facts import Facts, HostMemory


def detect() -> Facts:
    """The memory as facts."""
    memory = psutil.virtual_memory()
    return Facts(
        memory=HostMemory(
            total_bytes=memory.total,
            available_bytes=memory.available,
            limit_bytes=memory_limit(),
        )
    )
