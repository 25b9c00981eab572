"""Finds, loads and lists plugins; a broken one is a line in the report, never the end of a run."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field
from importlib.metadata import (
    Distribution,
    EntryPoint,
    PackageNotFoundError,
    distribution,
    distributions,
)
from typing import Any, TypeVar

import pluggy

from envdoctor import hookspecs
from envdoctor.api import (
    Backend,
    Check,
    Collector,
    DataSet,
    Detector,
    Exporter,
    Probe,
    WorkloadFile,
)
from envdoctor.errors import InputError

GROUP = "envdoctor"
PREFIX = "envdoctor_"
DISABLE_VARIABLE = "ENVDOCTOR_DISABLE_PLUGINS"

_RECORDS: dict[str, type[Any]] = {
    "envdoctor_backends": Backend,
    "envdoctor_workloads": WorkloadFile,
    "envdoctor_data_sets": DataSet,
    "envdoctor_detectors": Detector,
    "envdoctor_exporters": Exporter,
    "envdoctor_collectors": Collector,
    "envdoctor_checks": Check,
    "envdoctor_probes": Probe,
}
Record = TypeVar("Record")


@dataclass(frozen=True)
class Owner:
    """Who brought a plugin: its entry point and distribution."""

    name: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Broken:
    """A plugin, or a part of one, that was left out, and why."""

    plugin: str
    reason: str


@dataclass
class Plugins:
    """Everything that the loaded plugins offer, by hook."""

    owners: list[Owner] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    disabled: list[str] = field(default_factory=list)
    records: dict[str, list[tuple[Owner, Any]]] = field(
        default_factory=lambda: {hook: [] for hook in _RECORDS}
    )

    def backends(self) -> list[Backend]:
        """The backends, in the order of their names."""
        return sorted(self._of(Backend), key=lambda backend: backend.name)

    def workload_files(self) -> list[WorkloadFile]:
        """The workloads, in the order of their names."""
        return sorted(self._of(WorkloadFile), key=lambda file: file.name)

    def data_sets(self) -> dict[str, DataSet]:
        """The data sets by name."""
        return {data_set.name: data_set for data_set in self._of(DataSet)}

    def detectors(self) -> list[Detector]:
        """The detectors."""
        return self._of(Detector)

    def exporters(self) -> list[Exporter]:
        """The output formats, in the order of their names."""
        return sorted(self._of(Exporter), key=lambda exporter: exporter.name)

    def collectors(self) -> list[Collector]:
        """What reads the facts of frameworks."""
        return self._of(Collector)

    def checks(self) -> list[Check]:
        """The checks, in the order of their ids."""
        return sorted(self._of(Check), key=lambda check: check.id)

    def probes(self) -> list[Probe]:
        """What exercises frameworks, in the order of their names."""
        return sorted(self._of(Probe), key=lambda probe: probe.name)

    def owner_of(self, record: object) -> Owner:
        """Who brought a record."""
        pairs = (pair for found in self.records.values() for pair in found)
        return next(owner for owner, candidate in pairs if candidate is record)

    def _of(self, kind: type[Record]) -> list[Record]:
        pairs = (pair for found in self.records.values() for pair in found)
        return [record for _, record in pairs if isinstance(record, kind)]


def load_plugins(*, strangers: bool = True) -> Plugins:
    """Load what is installed, each plugin by itself.

    Args:
        strangers: whether to load plugins of other distributions than envdoctor's own.

    Raises:
        InputError: two plugins offer a record of the same name; the sentence names both.
    """
    plugins = Plugins()
    blocked = {name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",")} - {""}
    for entry, owner in _entries(plugins):
        if entry.name in blocked or not (strangers or owner.distribution == "envdoctor"):
            plugins.disabled.append(entry.name)
            continue
        _load(entry, owner, plugins)
    for name in sorted(blocked - set(plugins.disabled)):
        plugins.broken.append(Broken(name, f"{DISABLE_VARIABLE} names it, but it is not there"))
    return plugins


def _entries(plugins: Plugins) -> list[tuple[EntryPoint, Owner]]:
    """Our entry points of every distribution, each read by itself: any file may be damaged."""
    found: dict[str, list[tuple[EntryPoint, Owner]]] = {}
    for each in distributions():
        try:
            # Most have none of ours, and to read all their headers takes longer than all else here.
            if GROUP not in (each.read_text("entry_points.txt") or ""):
                continue
            name = str(each.metadata["Name"])
            owned = _owned(_imported(name, each), name)
        except Exception as error:  # noqa: BLE001  a stranger's metadata may be anything
            plugins.broken.append(Broken(_name_of(each), f"damaged metadata: {_one_line(error)}"))
            continue
        found.setdefault(name.lower().replace("_", "-"), owned)
    entries = [pair for owned in found.values() for pair in owned]
    return sorted(entries, key=lambda pair: pair[0].name)


def _name_of(found: Distribution) -> str:
    """What its headers call a distribution, if they can be read."""
    try:
        return str(found.metadata["Name"])
    except Exception:  # noqa: BLE001  a stranger's metadata may be anything
        return "unknown"


def _imported(name: str, found: Distribution) -> Distribution:
    """The distribution of this name that is imported: the first on the path."""
    try:
        return distribution(name)
    except (PackageNotFoundError, ValueError):  # its headers do not say the name of its folder
        return found


def _owned(found: Distribution, name: str) -> list[tuple[EntryPoint, Owner]]:
    ours = found.entry_points.select(group=GROUP)
    return [(entry, Owner(entry.name, name, found.version)) for entry in ours]


def _one_line(error: BaseException) -> str:
    words = f"{type(error).__name__}: {error}".split()
    return " ".join(words).rstrip(":")[:300]


def _load(entry: EntryPoint, owner: Owner, plugins: Plugins) -> None:
    """Load one plugin and collect its records; all of it in one `try`, because it is a stranger."""
    try:
        module = entry.load()
        manager = pluggy.PluginManager(GROUP)
        manager.add_hookspecs(hookspecs)
        manager.register(module, name=entry.name)
        unknown = _unknown_hooks(manager)
        # A generator raises when it is read, so it is read here.
        found = {hook: _collect(manager, hook) for hook in _RECORDS}
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        plugins.broken.append(Broken(str(owner), _one_line(error)))
        return
    plugins.owners.append(owner)
    for reason in unknown:
        plugins.broken.append(Broken(str(owner), reason))
    for hook, records in found.items():
        for record in records:
            _add(plugins, hook, owner, record)


def _unknown_hooks(manager: pluggy.PluginManager) -> list[str]:
    """Sentences about hooks that do not exist: a misspelt one would otherwise be silence."""
    known = {name for name in _RECORDS if hasattr(manager.hook, name)}
    unknown = sorted(name for name in vars(manager.hook) if name.startswith(PREFIX))
    sentences = []
    for name in unknown:
        if name in known:
            continue
        # Without the prefix, which all share: it would make anything look alike.
        words = [word.removeprefix(PREFIX) for word in sorted(known)]
        close = difflib.get_close_matches(name.removeprefix(PREFIX), words, n=1)
        hint = f"; did you mean `{PREFIX}{close[0]}`?" if close else ""
        sentences.append(f"there is no hook called `{name}`{hint}")
    return sentences


def _collect(manager: pluggy.PluginManager, hook: str) -> list[Any]:
    records = [record for records in getattr(manager.hook, hook)() for record in records]
    for record in records:
        if not isinstance(record, _RECORDS[hook]):
            wanted = _RECORDS[hook].__name__
            raise TypeError(f"`{hook}` yields {type(record).__name__}, not {wanted}")
        if not isinstance(record.name, str) or not record.name:
            raise TypeError(f"`{hook}` yields a record without a name")
    return records


def _add(plugins: Plugins, hook: str, owner: Owner, record: Any) -> None:
    for other, existing in plugins.records[hook]:
        if existing.name == record.name:
            kind = type(record).__name__.lower()
            raise InputError(
                f"two plugins offer a {kind} called `{record.name}`: {other} and {owner}.",
                f"Leave one out: {DISABLE_VARIABLE}={owner.name}",
            )
    plugins.records[hook].append((owner, record))
