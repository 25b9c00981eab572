"""Decides what runs: which rows, on which workloads, with how much of the machine."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from envdoctor.child.setting import Setting
from envdoctor.errors import InputError
from envdoctor.model.cell import Row
from envdoctor.model.description import BATCH_SIGN
from envdoctor.model.run import Unavailable
from envdoctor.target.interpreter import Survey, find_interpreter, survey
from envdoctor.workload.prepare import Prepared, find_file, prepare, split_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envdoctor.api import Backend, Mode
    from envdoctor.plugins import Plugins

ORACLE = "numpy"
"""The backend that is the float64 reference: the one whose code is all ours."""
DEFAULT_FAMILIES = ("mlp", "cnn", "transformer")
DEFAULT_SIZE = "tiny"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the user asked for."""

    workloads: Sequence[str] = tuple(f"{family}-{DEFAULT_SIZE}" for family in DEFAULT_FAMILIES)
    backends: Sequence[str] = ()
    modes: Sequence[str] = ()
    interpreters: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"
    seed: int = 0
    precisions: Sequence[str] = ("fp32",)


@dataclass(frozen=True)
class PlannedRow:
    """A row that can run: its backend, its mode, and the interpreter that runs it."""

    backend: Backend
    mode: Mode
    interpreter: str
    own: bool
    """Whether the interpreter is envdoctor's own."""
    device: str = "cpu"
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the backend's distributions and of NumPy, as they are installed there."""
    twin: bool = False
    precision: str = "fp32"
    """In which it is timed."""

    @property
    def proof(self) -> PlannedRow:
        """The row that is proven for this one: itself, or the mode that its own mode names.

        Always in strict precision: rounding to fewer bits would hide what the proof looks for.
        """
        named = [mode for mode in self.backend.modes if mode.name == self.mode.exact]
        strict = replace(self, precision="fp32")
        return replace(strict, mode=named[0]) if named else strict

    @property
    def title(self) -> str:
        """Of its row; an apostrophe marks the twin."""
        return self.row.title + ("'" if self.twin else "")

    @property
    def row(self) -> Row:
        """As it stands in the record."""
        return Row(
            backend=self.backend.name,
            mode=self.mode.name,
            precision=self.precision,
            device=self.device,
            interpreter="" if self.own else self.interpreter,
            twin=self.twin,
        )

    def setting(self, precision: str, threads: int) -> Setting:
        """The setting of a worker for this row.

        Exact maths is a matter of the CPU; the device is held to strict float32, or to what
        rounding to a reduced precision explains.
        """
        device = "cpu" if precision == "fp64" else self.device
        return Setting(self.mode.name, precision, device, threads)


@dataclass(frozen=True)
class Choice:
    """What can run and what cannot."""

    rows: tuple[PlannedRow, ...]
    unavailable: tuple[Unavailable, ...]


def choose_rows(plugins: Plugins, wishes: Wishes) -> Choice:
    """The rows that were asked for and can run, and the backends that cannot, with remedies.

    Raises:
        InputError: a backend or mode that nobody offers.
    """
    backends = plugins.backends()
    _check_names(wishes, backends)
    chosen = [b for b in backends if not wishes.backends or b.name in wishes.backends]
    # All modules at once, so that each interpreter is looked at once.
    modules = ("numpy", *sorted(_modules(chosen) - {"numpy"}))
    rows: list[PlannedRow] = []
    unavailable: list[Unavailable] = []
    for backend in chosen:
        given = wishes.interpreters.get(backend.name)
        interpreter = find_interpreter(given)
        seen = survey(interpreter, modules)
        missing = find_obstacle(backend, seen)
        if missing:
            unavailable.append(missing)
            continue
        possible, refused = choose_precisions(backend, wishes)
        unavailable.extend(refused)
        for mode in backend.modes:
            if wishes.modes and mode.name not in wishes.modes:
                continue
            lacking = find_missing_engine(backend, mode, seen)
            if lacking:
                unavailable.append(lacking)
                continue
            versions = _versions(backend, mode, seen)
            own = given is None
            planned = PlannedRow(backend, mode, interpreter, own, wishes.device, versions)
            rows.extend(replace(planned, precision=each) for each in possible)
    return Choice(tuple(rows), tuple(unavailable))


def find_obstacle(backend: Backend, seen: Survey) -> Unavailable | None:
    """Why a backend cannot run in an environment, and the command that mends it."""
    where = f"Python {seen.version} at {seen.prefix}"
    if not seen.modules.get(backend.module):
        reason = f"{backend.distributions[0]} is not installed in {where}."
        return _missing(backend, reason, seen.install_command(backend.requirement))
    if not seen.modules.get("numpy"):
        reason = f"NumPy, which the worker needs, is not installed in {where}."
        return _missing(backend, reason, seen.install_command("numpy"))
    found = seen.version_of(backend.distributions)
    if found and backend.at_least and _older(found[1], backend.at_least):
        reason = (
            f"{found[0]} {found[1]} is older than {backend.at_least}, the oldest that is known."
        )
        remedy = seen.install_command(f"{found[0]}>={backend.at_least}")
        return _missing(backend, reason, remedy)
    return None


def choose_precisions(
    backend: Backend, wishes: Wishes
) -> tuple[list[str], tuple[Unavailable, ...]]:
    """The wanted precisions that a backend can have on the device, and why not the others."""
    reasons = {each: why_not(backend, each, wishes.device) for each in wishes.precisions}
    refused = [_missing(backend, reason, "") for reason in reasons.values() if reason]
    return [each for each, reason in reasons.items() if not reason], tuple(refused)


def why_not(backend: Backend, precision: str, device: str) -> str:
    """Why a backend has no rows in a precision, as far as is known without starting it.

    What depends on the model of a GPU the trainer says when it starts the device.
    """
    if precision not in backend.precisions:
        return f"it has no {precision}; it offers {', '.join(backend.precisions)}."
    kind = device.partition(":")[0]
    if precision == "tf32" and kind not in {"cuda", "gpu"}:
        return (
            "tf32 needs an NVIDIA GPU of compute capability 8.0 or newer; "
            f"the device here is {device}."
        )
    if precision == "fp16" and kind == "cpu":
        return "fp16 is not for the CPU: frameworks mix it with float32 on GPUs only."
    return ""


def find_missing_engine(backend: Backend, mode: Mode, seen: Survey) -> Unavailable | None:
    """Why one mode of a backend cannot run where others may, and the command that mends it."""
    missing = [module for module in mode.needs if not seen.modules.get(module)]
    if not missing:
        return None
    verb = "is" if len(missing) == 1 else "are"
    reason = (
        f"Mode {mode.name} needs {' and '.join(missing)}, which {verb} not installed in "
        f"Python {seen.version} at {seen.prefix}."
    )
    return _missing(backend, reason, seen.install_command(*missing))


def choose_twin(rows: Sequence[PlannedRow]) -> PlannedRow | None:
    """A second copy of one of the rows: of the one that starts the fastest.

    NumPy before others, then a mode that compiles nothing; the same row in every run, so that the
    resolutions of runs can be compared.
    """
    if not rows:
        return None
    cheapest = min(rows, key=lambda row: (row.backend.name != ORACLE, row.mode.compiled))
    return replace(cheapest, twin=True)


def _modules(backends: Iterable[Backend]) -> set[str]:
    """Every module that one of the modes needs."""
    needed = (module for each in backends for mode in each.modes for module in mode.needs)
    return {*(backend.module for backend in backends), *needed}


def _versions(backend: Backend, mode: Mode, seen: Survey) -> dict[str, str]:
    """Versions of everything that a row's arithmetic comes from."""
    names = (*backend.distributions, *mode.needs, "numpy")
    named = [seen.version_of((name,)) for name in names]
    return {"python": seen.version, **dict(pair for pair in named if pair)}


def _missing(backend: Backend, reason: str, remedy: str) -> Unavailable:
    return Unavailable(backend=backend.name, reason=reason, remedy=remedy)


def _older(version: str, bound: str) -> bool:
    try:
        return Version(version) < Version(bound)
    except InvalidVersion:
        return False  # a vendor's own numbering is no reason to refuse


def _check_names(wishes: Wishes, backends: Sequence[Backend]) -> None:
    names = [backend.name for backend in backends]
    for name in [*wishes.backends, *wishes.interpreters]:
        if name not in names:
            raise InputError(f"there is no backend called `{name}`.", suggest(name, names))
    offered = {
        mode.name
        for backend in backends
        if not wishes.backends or backend.name in wishes.backends
        for mode in backend.modes
    }
    for name in wishes.modes:
        if name not in offered:
            raise InputError(
                f"no chosen backend has a mode called `{name}`.", suggest(name, offered)
            )


def suggest(name: str, known: Iterable[str]) -> str:
    """A hint at what may have been meant."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(names)}."


def wanted_workloads(
    names: Sequence[str], size: str | None, batches: Sequence[int]
) -> tuple[str, ...]:
    """The workloads by name: those that were named, or the default ones of a size; each with every
    batch that is wanted, unless its name has one.

    Raises:
        InputError: names and a size.
    """
    if names and size:
        raise InputError(
            "--size is for the default workloads, and WORKLOAD names others.",
            "Leave one of them out.",
        )
    chosen = names or [f"{family}-{size or DEFAULT_SIZE}" for family in DEFAULT_FAMILIES]
    return tuple(
        name if batch is None or split_batch(name)[1] else f"{name}{BATCH_SIGN}{batch}"
        for name in chosen
        for batch in batches or (None,)
    )


def prepare_all(plugins: Plugins, wishes: Wishes) -> tuple[Prepared, ...]:
    """All workloads that were asked for, resolved.

    Raises:
        InputError: one of them cannot be used, or two have one name.
    """
    files = plugins.workload_files()
    data_sets = plugins.data_sets()
    found: dict[str, Prepared] = {}
    for name in dict.fromkeys(wishes.workloads):
        workload, batch = split_batch(name)
        prepared = prepare(find_file(workload, files), data_sets, wishes.seed, batch)
        if prepared.name in found:
            raise InputError(f"two of the workloads are called `{prepared.name}`.")
        found[prepared.name] = prepared
    return tuple(found.values())


def oracle_row(plugins: Plugins) -> PlannedRow:
    """The reference, in envdoctor's own interpreter.

    Raises:
        InputError: its plugin is switched off, so that nothing can be proven.
    """
    for backend in plugins.backends():
        if backend.name == ORACLE:
            return PlannedRow(backend, backend.modes[0], find_interpreter(None), own=True)
    raise InputError(
        f"the backend `{ORACLE}`, the reference of the parity gate, is not loaded.",
        "Is it named in ENVDOCTOR_DISABLE_PLUGINS?",
    )
