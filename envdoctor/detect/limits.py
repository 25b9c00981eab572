"""Resource limits of this process."""

from __future__ import annotations

import importlib
from typing import Any

from envdoctor.model.machine import Limits, Machine


def detect() -> Machine:
    """The limits that frameworks run into; nothing on Windows, which has none of this kind."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:
        return Machine()
    return Machine(limits=read_limits(resource))


def read_limits(resource: Any) -> Limits:
    """The soft limits, from the module `resource` or what acts as it."""
    return Limits(
        open_files=_soft(resource, "RLIMIT_NOFILE"),
        locked_memory_bytes=_soft(resource, "RLIMIT_MEMLOCK"),
        processes=_soft(resource, "RLIMIT_NPROC"),
    )


def _soft(resource: Any, name: str) -> int | None:
    kind = getattr(resource, name, None)
    if kind is None:
        return None
    try:
        soft: int = resource.getrlimit(kind)[0]
    except (OSError, ValueError):
        return None
    return None if soft in {resource.RLIM_INFINITY, -1} else soft
