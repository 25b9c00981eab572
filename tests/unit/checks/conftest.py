"""Short words for sick machines: every fixture is a function of tests/support/snapshots.py.

For parameters of a module, load that file with `runpy.run_path` instead.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

BUILDERS = runpy.run_path(str(Path(__file__).parents[2] / "support" / "snapshots.py"))


@pytest.fixture
def distribution() -> Any:
    """`distribution("torch", "2.13.0", missing=("torch/_C.so",))`."""
    return BUILDERS["distribution"]


@pytest.fixture
def framework() -> Any:
    """`framework("torch", "2.13.0", cuda="13.0")`."""
    return BUILDERS["framework"]


@pytest.fixture
def environment() -> Any:
    """`environment({"torch": "2.13.0"}, variables={...}, frameworks={"torch": "2.13.0"})`."""
    return BUILDERS["environment"]


@pytest.fixture
def machine() -> Any:
    """`machine(nvidia=nvidia(), pci=...)`: a healthy machine without a GPU but for the fields."""
    return BUILDERS["machine"]


@pytest.fixture
def gpu() -> Any:
    """`gpu("Tesla V100", compute_capability="7.0")`."""
    return BUILDERS["gpu"]


@pytest.fixture
def nvidia() -> Any:
    """`nvidia("535.104.05", "12.2", gpus=(gpu(),))`."""
    return BUILDERS["nvidia"]


@pytest.fixture
def snapshot() -> Any:
    """`snapshot(machine=..., environment=..., probes=...)`; what is left out is healthy."""
    return BUILDERS["snapshot"]


@pytest.fixture
def run() -> Any:
    """`run("torch-cpu-wheel-on-gpu-host", snapshot(...))`: the findings, as a list."""
    return BUILDERS["run"]
