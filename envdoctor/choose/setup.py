"""What the doctor finds of this machine, as far as a choice depends on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.model.diagnosis import Target
    from envdoctor.model.environment import Framework
    from envdoctor.model.run import Unavailable

TOLD = {"warn", "fail"}
"""The findings that speak against a framework."""


@dataclass(frozen=True)
class Installed:
    """A framework as it is here."""

    version: str = ""
    hindrance: str = ""
    """Why it cannot train here as it is; empty if it can."""
    remedy: str = ""
    without_cuda: bool = False
    """Whether the build that is installed knows no CUDA, by its files."""
    problems: tuple[str, ...] = ()
    """What the doctor finds wrong with it: the titles of its warnings and failures."""


@dataclass(frozen=True)
class Setup:
    """This machine and this environment."""

    system: str = ""
    """As `platform.system()` says it."""
    python: str = ""
    """Of the environment: `3.11`."""
    gpus: tuple[str, ...] = ()
    """Those of NVIDIA."""
    installed: dict[str, Installed] = field(default_factory=dict)
    """By the name of the backend; a backend that is not there has its hindrance."""


def setup_of(
    target: Target, versions: Mapping[str, str], unavailable: Mapping[str, Unavailable]
) -> Setup:
    """The set-up that the doctor has examined.

    Args:
        target: the environment with its findings.
        versions: of the backends that can train here, by their names.
        unavailable: the backends that cannot.
    """
    snapshot = target.snapshot
    groups = {check.id: check.group for check in target.checked}
    frameworks = snapshot.environment.frameworks
    installed = {}
    for name in (*versions, *unavailable):
        absent = unavailable.get(name)
        found = frameworks.get(name)
        installed[name] = Installed(
            version=versions.get(name, found.version if found else ""),
            hindrance=absent.reason if absent else "",
            remedy=absent.remedy if absent else "",
            without_cuda=found is not None and _knows_no_cuda(found),
            problems=tuple(
                finding.title
                for finding in target.findings
                if groups.get(finding.id) == name and finding.status in TOLD and not finding.muted
            ),
        )
    nvidia = snapshot.machine.nvidia
    return Setup(
        system=snapshot.machine.platform.system,
        python=".".join(snapshot.environment.interpreter.version.split(".")[:2]),
        gpus=tuple(gpu.name for gpu in nvidia.gpus) if nvidia else (),
        installed=installed,
    )


def _knows_no_cuda(found: Framework) -> bool:
    """Whether the files say so; a collector that could not tell leaves `cuda build` empty."""
    return found.cuda is None and found.details.get("cuda build", "no") != ""
