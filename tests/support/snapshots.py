"""Snapshots made by hand, short enough that a test shows what is wrong with the machine.

Load it with `runpy.run_path`, since tests are no package; tests/unit/checks has fixtures for it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envdoctor.api import Check
from envdoctor.model.environment import Distribution, Environment, Framework, Interpreter
from envdoctor.model.finding import Finding
from envdoctor.model.machine import HostMemory, Machine, Nvidia, NvidiaGpu, Platform, Processor
from envdoctor.model.snapshot import Snapshot

ROOT = Path(__file__).parents[2]
PYTHON = "/home/ada/venv/bin/python"
SITE = "/home/ada/venv/lib/python3.11/site-packages"
GIB = 1 << 30
HEALTHY_LINUX = Platform(
    system="Linux",
    kernel="6.8.0-45-generic",
    architecture="x86_64",
    distribution="ubuntu",
    distribution_version="24.04",
    libc="glibc 2.39",
)
HEALTHY_CPU = Processor(
    model="AMD Ryzen 9 7950X",
    flags=("sse4_2", "avx", "avx2", "fma", "f16c"),
    logical=32,
    physical=16,
    allowed=tuple(range(32)),
    numa_nodes=1,
    governors=("performance",),
)
HEALTHY_MEMORY = HostMemory(
    total_bytes=64 * GIB,
    available_bytes=48 * GIB,
    swap_bytes=8 * GIB,
    shared_total_bytes=32 * GIB,
    shared_free_bytes=32 * GIB,
)


def distribution(name: str, version: str, **fields: Any) -> Distribution:
    """An installed distribution, sound unless the fields say otherwise."""
    return Distribution(name=name, version=version, **{"location": SITE, "files": 10, **fields})


def framework(name: str, version: str, **fields: Any) -> Framework:
    """What a collector finds; a build for the CPU unless the fields say otherwise."""
    return Framework(name=name, version=version, **{"location": f"{SITE}/{name}", **fields})


def environment(
    distributions: Mapping[str, str | Distribution] | None = None,
    *,
    python: str = "3.11.9",
    interpreter: Mapping[str, Any] | None = None,
    frameworks: Mapping[str, str | Framework] | None = None,
    **fields: Any,
) -> Environment:
    """A virtual environment with pip and these distributions and frameworks, by version.

    Args:
        distributions: versions, or whole records, by normalised name; pip is there without asking.
        python: the version of Python.
        interpreter: further fields of the interpreter.
        frameworks: versions, or whole records, by name.
        fields: whatever else is to be said of it: `variables`, `clashes`, `tools`.
    """
    installed = {"pip": "25.0", **(distributions or {})}
    return Environment(
        interpreter=Interpreter(
            **{
                "path": PYTHON,
                "version": python,
                "prefix": "/home/ada/venv",
                "base_prefix": "/usr",
                "path_entries": (SITE,),
                **(interpreter or {}),
            }
        ),
        distributions={
            name: distribution(name, found) if isinstance(found, str) else found
            for name, found in installed.items()
        },
        frameworks={
            name: framework(name, found) if isinstance(found, str) else found
            for name, found in (frameworks or {}).items()
        },
        **fields,
    )


def machine(**fields: Any) -> Machine:
    """A healthy Linux machine without a GPU, but for these fields."""
    sound = {"platform": HEALTHY_LINUX, "processor": HEALTHY_CPU, "memory": HEALTHY_MEMORY}
    return Machine(**{**sound, **fields})


def gpu(name: str = "NVIDIA GeForce RTX 4090", **fields: Any) -> NvidiaGpu:
    """A healthy GPU, but for these fields."""
    sound = {
        "index": 0,
        "uuid": "GPU-5a1f0c3e-0000-4000-8000-0123456789ab",
        "pci_address": "0000:01:00.0",
        "compute_capability": "8.9",
        "total_bytes": 24 * GIB,
        "used_bytes": GIB // 2,
        "processes": (),
        "compute_mode": "default",
        "event_bits": 0,
    }
    return NvidiaGpu(name=name, **{**sound, **fields})


def nvidia(driver: str = "580.95.05", cuda: str = "13.0", **fields: Any) -> Nvidia:
    """A healthy driver with one GPU, but for these fields."""
    sound = {
        "kernel_version": driver,
        "library_version": driver,
        "driver_version": driver,
        "cuda_version": cuda,
        "modules": ("nvidia", "nvidia_uvm"),
        "nvml_error": 0,
        "gpus": (gpu(),),
    }
    return Nvidia(**{**sound, **fields})


def snapshot(**parts: Any) -> Snapshot:
    """A healthy machine and an environment with nothing but pip, but for these parts."""
    return Snapshot(**{"machine": machine(), "environment": environment(), **parts})


def find_check(check_id: str) -> Check:
    """The check of this id, from the core or a shipped plugin, registered or not."""
    for path in (*ROOT.glob("envdoctor/checks/*.py"), *ROOT.glob("plugins/*/checks*.py")):
        if f'"{check_id}"' not in path.read_text(encoding="utf-8"):
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = importlib.import_module(".".join(parts).removeprefix("plugins."))
        for check in getattr(module, "CHECKS", ()):
            if check.id == check_id:
                return check
    raise LookupError(f"no module has a check called `{check_id}` in its CHECKS")


def run(check: str | Check, snapshot: Snapshot) -> list[Finding]:
    """What a check finds, with every finding under the check's own id."""
    check = find_check(check) if isinstance(check, str) else check
    found = list(check.run(snapshot))
    assert all(finding.id == check.id for finding in found), [finding.id for finding in found]
    return found
