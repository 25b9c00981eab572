"""The newest stored run that says something about this machine."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from envdoctor.errors import InputError
from envdoctor.model import codec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from envdoctor.library.records import Entry
    from envdoctor.model.run import Run

MOST_READ = 20
"""So many runs are looked into; an older one would be of an older machine anyway."""


def newest_run(
    entries: Sequence[Entry],
    open_run: Callable[[Entry], Path],
    *,
    cpu_model: str,
    workloads: Mapping[str, str | None] = MappingProxyType({}),
    device: str = "cpu",
) -> tuple[Run | None, str]:
    """The newest finished run of this machine, or None and why there is none, in a sentence.

    Args:
        entries: the stored runs, newest first.
        open_run: the file of one.
        cpu_model: of this machine.
        workloads: those that it must hold; with their hashes, where the description is at hand
            and may have changed since.
        device: where at least one row must have run, such as `cpu` or `cuda`.
    """
    whole = [entry for entry in entries if set(workloads) <= set(entry.workloads)]
    finished = [entry for entry in whole if entry.state == "finished"]
    for entry in finished[:MOST_READ]:
        try:
            run = codec.read(open_run(entry))
        except InputError:
            continue
        cpu = run.facts.cpu.model if run.facts.cpu else ""
        devices = {row.device.partition(":")[0] for row in run.plan.rows}
        if cpu == cpu_model and device in devices and _same(run, workloads):
            return run, ""
    if not entries:
        return None, "There is no stored run."
    if not finished:
        return None, f"No stored run has finished {' and '.join(workloads) or 'any workload'}."
    changed = " and of this description" if any(workloads.values()) else ""
    return None, f"No stored run is of this machine{changed}, with rows on {device}."


def _same(run: Run, workloads: Mapping[str, str | None]) -> bool:
    """Whether the run's workloads are the wanted ones by their hashes, where those are given."""
    measured = {record.name: record.workload_sha256 for record in run.workloads}
    return all(wanted in {None, measured.get(name)} for name, wanted in workloads.items())
