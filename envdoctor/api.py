"""All that a plugin touches: the records that its hooks yield, and the hook marker.

A record says what a plugin offers without doing anything: making one imports no framework and
looks at no machine. The code that a backend runs lives in its trainer, which is imported in the
target only (see `envdoctor.child.contract`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pluggy

from envdoctor.child.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import TextIO

    from envdoctor.model.environment import Environment, Framework
    from envdoctor.model.finding import Finding
    from envdoctor.model.machine import Machine
    from envdoctor.model.run import Run
    from envdoctor.model.snapshot import Snapshot

__all__ = [
    "Backend",
    "Check",
    "Collector",
    "DataSet",
    "Detector",
    "Exporter",
    "Mode",
    "Page",
    "Probe",
    "Setting",
    "WorkloadFile",
    "hookimpl",
]

hookimpl = pluggy.HookimplMarker("envdoctor")


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One way in which users run a framework; each mode is a row of its own."""

    name: str
    summary: str
    compiled: bool = False
    """Whether steps are compiled, which costs time before the first one: used for estimates."""
    exact: str = ""
    """The mode of the same backend that proves this one's exact maths, where the float64 program
    would be another one than is timed and take long to compile. The timed program itself is then
    held to strict float32: its outputs, every gradient, its losses."""
    keeps: bool = False
    """Whether its compiler keeps programs on disk, by default, so that they are found again."""
    practice: tuple[str, ...] = ()
    """What the trainer does to be fast in this mode, in words that an expert can check."""
    needs: tuple[str, ...] = ()
    """The top-level modules that this mode needs beside the backend's own, such as the engine
    under a library of layers. Users are told to install the distributions of the same names."""


def _no_variables(_: Setting) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A framework that can train the workloads, resolved without importing it."""

    name: str
    summary: str
    module: str
    """The top-level module of the framework, as users import it."""
    distributions: tuple[str, ...]
    """The distributions that may provide the module; the first is what we tell users to install."""
    trainer: str
    """`package.module:Class`, resolved in the child only; the package is copied into the target."""
    modes: tuple[Mode, ...]
    builds_on: tuple[str, ...] = ()
    """Top-level packages of other backends that the trainer imports; they are copied with it."""
    precisions: tuple[str, ...] = ("fp32",)
    at_least: str = ""
    """The oldest version of the distribution that the trainer works with."""
    environment: Callable[[Setting], Mapping[str, str]] = _no_variables
    """The variables to set before the interpreter starts: threads, caches, precision."""

    @property
    def requirement(self) -> str:
        """What to ask an installer for."""
        return (
            f"{self.distributions[0]}>={self.at_least}" if self.at_least else self.distributions[0]
        )


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set in a file that lies on this machine.

    `images`: an `.npz` with `images` (samples, height, width[, channels]) and integer `labels`.
    `table`: an `.npz` with `features` (samples, columns) and `targets`, integers for classes.
    `text`: UTF-8 text, gzipped if the name ends so.
    """

    name: str
    summary: str
    kind: Literal["images", "table", "text"]
    path: Path
    scale: float = 1.0
    """Images are divided by this."""


@dataclass(frozen=True, kw_only=True)
class WorkloadFile:
    """A workload that ships with a plugin."""

    name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Detector:
    """Finds out about one part of the machine; what it cannot find it leaves out."""

    name: str
    summary: str
    run: Callable[[], Machine]
    """A machine with only this part filled. What could not be looked at goes into `unseen`."""


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """One output format: a pure function of the result."""

    name: str
    summary: str
    suffix: str
    write: Callable[[Run, TextIO], None]


@dataclass(frozen=True, kw_only=True)
class Page:
    """What `envdoctor check --explain ID` shows of a check."""

    symptoms: tuple[str, ...] = ()
    """What users see, in the words of the error messages."""
    why: str
    """What goes wrong, and what follows from it."""
    seen_by: str
    """Which facts the check looks at."""
    confirmed_by: str = ""
    """What `--deep` or the user can do to be sure."""
    remedy: str
    """What to do about it, in general: a finding has the exact command."""
    sources: tuple[str, ...] = ()
    """Where it is known from: `pytorch#28111`, a page of a manual."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Judges facts; a pure function, which looks at nothing but the snapshot."""

    id: str
    """Lower case with hyphens; for ever the same, because scripts and mutes name it."""
    group: str
    """The line of the report that it belongs to: `nvidia`, `packages`, `torch`."""
    summary: str
    """What it looks for, in one line."""
    run: Callable[[Snapshot], Iterable[Finding]]
    """Yields nothing if all is well or if the check does not apply; a finding with the status
    `error` if a fact that it needs could not be read, with the reason."""
    page: Page
    hides: tuple[str, ...] = ()
    """The ids of findings that are consequences of this one when it is a `warn` or a `fail`."""

    @property
    def name(self) -> str:
        """The id, by which two plugins must not offer the same."""
        return self.id


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Finds facts of one framework in the files of an environment, and imports nothing of it."""

    name: str
    summary: str
    run: Callable[[Environment], Framework | None]
    """None if the framework is not installed there."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Exercises a framework on every device that it has, in children of the target."""

    name: str
    summary: str
    module: str
    """The top-level module of the framework."""
    distributions: tuple[str, ...]
    entry: str
    """`package.module:function`, resolved in the child only; the package is copied there."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables to set before the interpreter starts: no preallocation, few threads."""
    seconds: float = 60.0
    """The time limit of a child."""
    builds_on: tuple[str, ...] = ()
    """Packages of other plugins that the code of the probe imports; they are copied with it."""
