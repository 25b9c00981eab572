"""Gathers snapshots: the machine once, and each environment on it, all at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor import __version__
from envdoctor.detect import gathering as hardware
from envdoctor.errors import InputError
from envdoctor.model.machine import Unseen
from envdoctor.model.snapshot import Snapshot
from envdoctor.target import environment as target
from envdoctor.target.inspection import AT_ONCE
from envdoctor.target.interpreter import find_interpreter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envdoctor.api import Collector
    from envdoctor.diagnosis.probing import Tell
    from envdoctor.model.environment import Environment, Framework
    from envdoctor.model.snapshot import ProbeResult
    from envdoctor.plugins import Plugins
    from envdoctor.target.inspection import Ahead


def examine(
    plugins: Plugins, interpreters: Sequence[str], ahead: Ahead, deep: Tell | None = None
) -> list[Snapshot]:
    """A snapshot for each interpreter.

    Args:
        plugins: whose detectors, collectors and probes are used.
        interpreters: the environments.
        ahead: whom the interpreters answer; it may have asked some of them already.
        deep: whom to tell how far exercising the frameworks is; None exercises nothing.

    Raises:
        InputError: an interpreter that does not start.
    """
    collectors = plugins.collectors()

    def look(interpreter: str) -> Environment:
        return collect(collectors, target.examine(interpreter, answer=ahead.answer(interpreter)))

    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        machine = pool.submit(hardware.gather_machine, plugins.detectors())
        environments = list(pool.map(look, interpreters))
    taken_at = datetime.now(UTC).isoformat(timespec="seconds")
    return [
        Snapshot(
            envdoctor_version=__version__,
            taken_at=taken_at,
            machine=machine.result(),
            environment=environment,
            probes=None if deep is None else _exercise(plugins, environment, deep),
        )
        for environment in environments
    ]


def _exercise(plugins: Plugins, environment: Environment, tell: Tell) -> tuple[ProbeResult, ...]:
    """Here, because most checks are made without it, and its imports take time."""
    from envdoctor.diagnosis.probing import run_probes

    return run_probes(plugins.probes(), environment, tell)


def examine_kernels(
    plugins: Plugins, snapshots: Sequence[Snapshot], ahead: Ahead, deep: Tell | None = None
) -> tuple[list[Snapshot], list[str]]:
    """Snapshots of the interpreters of Jupyter kernels that the environments know and are not.

    Also returns a sentence for each kernel whose interpreter cannot be looked at: nobody asked for
    that one by its name, so it stops nothing.
    """
    done = {snapshot.environment.interpreter.path for snapshot in snapshots}
    found: list[Snapshot] = []
    notes: list[str] = []
    for kernel in (each for snapshot in snapshots for each in snapshot.environment.kernels):
        try:
            interpreter = find_interpreter(kernel.interpreter)
            if interpreter not in done:
                done.add(interpreter)
                found += examine(plugins, [interpreter], ahead, deep)
        except InputError as error:
            notes.append(f"Jupyter kernel {kernel.name}: {error.sentence}")
    return found, list(dict.fromkeys(notes))


def collect(collectors: Iterable[Collector], environment: Environment) -> Environment:
    """The environment with what collectors find of its frameworks; a broken one is left out."""
    frameworks: dict[str, Framework] = dict(environment.frameworks)
    unseen = list(environment.unseen)
    for collector in collectors:
        try:
            found = collector.run(environment)
            if found is not None:
                frameworks[found.name] = found
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            reason = f"{type(error).__name__}: {error}"
            unseen.append(Unseen(what=f"the framework {collector.name}", reason=reason))
    return structs.replace(environment, frameworks=frameworks, unseen=tuple(unseen))
