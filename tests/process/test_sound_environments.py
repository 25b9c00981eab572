"""Environments with real frameworks and nothing wrong, in which no check may warn."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packaging.requirements import Requirement

from envdoctor.diagnosis.examine import collect
from envdoctor.diagnosis.judge import judge
from envdoctor.model.machine import Machine
from envdoctor.model.snapshot import Snapshot
from envdoctor.plugins import Plugins
from envdoctor.target.environment import examine

TESTS = Path(__file__).parents[1]
SUPPORT = runpy.run_path(str(TESTS / "support" / "patients.py"))
FRAMEWORKS: dict[str, tuple[str, ...]] = {
    "torch": ("torch",),
    "tensorflow": ("tensorflow-cpu", "tensorflow"),
    "jax": ("jax",),
}
"""By their names here, the distributions that they may come from."""
TOGETHER = [("torch",), ("tensorflow",), ("jax",), tuple(FRAMEWORKS)]


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    SUPPORT["quiet"](monkeypatch, tmp_path / "home")
    return SUPPORT["Patient"](tmp_path / "env")


def installed(names: tuple[str, ...]) -> Distribution:
    for name in names:
        try:
            return distribution(name)
        except PackageNotFoundError:
            continue
    return pytest.skip(f"{names[0]} is not installed")


def needed(wanted: list[Distribution]) -> Iterator[Distribution]:
    """These distributions and all that they require, each once."""
    seen: set[str] = set()
    while wanted:
        found = wanted.pop()
        name = found.name.lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        yield found
        for line in found.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.append(distribution(requirement.name))


def lend(found: Distribution, site: Path) -> None:
    """Link to a distribution's packages, as if it were installed there too."""
    tops = {file.parts[0] for file in found.files or () if file.parts[0] != ".."}
    for top in tops - {"__pycache__"}:
        source, place = Path(str(found.locate_file(top))), site / top
        if source.exists() and not place.exists():
            place.symlink_to(source, target_is_directory=source.is_dir())


@pytest.mark.parametrize("frameworks", TOGETHER, ids=" ".join)
@pytest.mark.parametrize("machine", ["cpu-laptop", "docker-cpu"])
def test_no_check_warns(
    patient: Any, plugins: Plugins, frameworks: tuple[str, ...], machine: str
) -> None:
    patient.site.mkdir(parents=True, exist_ok=True)
    for found in needed([installed(FRAMEWORKS[name]) for name in frameworks]):
        lend(found, patient.site)
    environment = collect(plugins.collectors(), examine(str(patient.python), Path(os.sep)))
    assert set(frameworks) <= set(environment.frameworks)
    facts = msgspec.json.decode((TESTS / "machines" / f"{machine}.json").read_bytes(), type=Machine)
    judged = judge(plugins.checks(), Snapshot(machine=facts, environment=environment))
    complaints = [each for each in judged.findings if each.status in {"warn", "fail"}]
    assert [(each.id, each.title) for each in complaints] == []
