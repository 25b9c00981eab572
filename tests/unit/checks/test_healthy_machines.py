"""No check warns of a healthy machine, whatever it is made of."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from envdoctor.api import Check
from envdoctor.model.machine import Machine
from envdoctor.model.snapshot import Snapshot
from envdoctor.plugins import load_plugins

TESTS = Path(__file__).parents[2]
MACHINES = sorted(TESTS.glob("machines/*.json"))
BUILDERS = runpy.run_path(str(TESTS / "support" / "snapshots.py"))
TORCH: dict[str, dict[str, Any]] = {
    "nvidia-workstation": {"version": "2.13.0", "cuda": "13.0", "cudnn": "9.20.0.48"},
    "dgx-h100": {"version": "2.10.0", "cuda": "12.8", "cudnn": "9.10.2.21"},
    "wsl2-nvidia": {"version": "2.13.0", "cuda": "13.0", "cudnn": "9.20.0.48"},
    "jetson-orin": {"version": "2.8.0", "cuda": "12.6"},
    "colab-t4": {"version": "2.10.0", "cuda": "12.8", "cudnn": "9.10.2.21"},
    "amd-mi300x": {
        "version": "2.10.0",
        "rocm": "6.4",
        "details": {"rocm_architectures": "gfx90a gfx942 gfx1030 gfx1100"},
    },
    "amd-rx7900": {
        "version": "2.10.0",
        "rocm": "6.4",
        "details": {"rocm_architectures": "gfx90a gfx942 gfx1030 gfx1100"},
    },
}
"""The builds of torch that fit the machines with GPUs; elsewhere a build for the CPU."""


@pytest.fixture(scope="session")
def checks() -> list[Check]:
    return load_plugins(strangers=False).checks()


def _machine(path: Path) -> Machine:
    return msgspec.json.decode(path.read_bytes(), type=Machine)


def _complaints(checks: list[Check], snapshot: Snapshot) -> list[tuple[str, str]]:
    return [
        (finding.id, finding.title)
        for check in checks
        for finding in check.run(snapshot)
        if finding.status in {"warn", "fail"}
    ]


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_an_empty_environment_on_a_healthy_machine(path: Path, checks: list[Check]) -> None:
    snapshot = Snapshot(machine=_machine(path), environment=BUILDERS["environment"]())
    assert _complaints(checks, snapshot) == []


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_a_torch_that_fits_on_a_healthy_machine(path: Path, checks: list[Check]) -> None:
    fields = {"version": "2.13.0", **TORCH.get(path.stem, {})}
    torch = BUILDERS["framework"]("torch", **fields)
    environment = BUILDERS["environment"](
        {"torch": fields["version"], "numpy": "2.3.4"},
        frameworks={"torch": torch},
        python="3.12.8",
    )
    assert _complaints(checks, Snapshot(machine=_machine(path), environment=environment)) == []


def test_there_are_machines_of_every_kind() -> None:
    machines = [_machine(path) for path in MACHINES]
    assert {bool(each.nvidia) for each in machines} == {True, False}
    assert any(each.amd and each.amd.gpus for each in machines)
    assert any(each.apple for each in machines)
    assert any(each.tpu for each in machines)
    assert any(each.platform.wsl for each in machines)
    assert any(each.platform.container for each in machines)
