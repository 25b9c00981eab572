"""Whether two runs measured the same thing: what must agree before a ratio means anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.model.comparison import Difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.model.cell import Cell
    from envdoctor.model.run import Run, WorkloadRecord

HASHES = {
    "workload_sha256": "workload",
    "data_sha256": "data",
    "weights_sha256": "initial weights",
    "batches_sha256": "batches",
}
"""The fields of a workload's record that must agree, in the words of messages."""
HASH_DIGITS = 12
"""Enough to see that two hashes differ, and to find one in its file."""
UNKNOWN = "unknown"
ABSENT = "none"


def obstacles(a: Run, b: Run, workload: str) -> tuple[Difference, ...]:
    """What forbids a ratio between two runs on a workload that both describe, if anything.

    Precision and device are no part of it: rows that differ there are different rows. The GPUs of
    the machine count once a row runs on something else than the processor.
    """
    gpus = _differing("GPUs", _gpus(a), _gpus(b)) if _on_gpu(a, b) else []
    found = [
        *gpus,
        *_differing("CPUs", str(a.plan.threads), str(b.plan.threads)),
        *_differing("CPU model", _cpu_model(a), _cpu_model(b)),
        *_differing("major version of envdoctor", _major(a), _major(b)),
    ]
    hashes = _differing_hashes(record_of(a, workload), record_of(b, workload))
    if hashes:
        found += _differing("seed", str(a.plan.seed), str(b.plan.seed))
    return (*found, *hashes)


def changes(a: Cell, b: Cell) -> tuple[Difference, ...]:
    """Versions and variables of a row that differ: perhaps why its speed does."""
    versions = _differing_entries("", a.versions, b.versions)
    return (*versions, *_differing_entries("variable ", a.environment, b.environment))


def record_of(run: Run, workload: str) -> WorkloadRecord | None:
    """The record of a workload in a run, if it has one."""
    return next((record for record in run.workloads if record.name == workload), None)


def _differing(what: str, a: str, b: str) -> list[Difference]:
    return [] if a == b else [Difference(what=what, a=a, b=b)]


def _differing_hashes(a: WorkloadRecord | None, b: WorkloadRecord | None) -> list[Difference]:
    return [
        difference
        for field, what in HASHES.items()
        for difference in _differing(what, _short(a, field), _short(b, field))
    ]


def _short(record: WorkloadRecord | None, field: str) -> str:
    return UNKNOWN if record is None else str(getattr(record, field))[:HASH_DIGITS]


def _differing_entries(prefix: str, a: Mapping[str, str], b: Mapping[str, str]) -> list[Difference]:
    return [
        difference
        for name in dict.fromkeys([*a, *b])
        for difference in _differing(prefix + name, a.get(name, ABSENT), b.get(name, ABSENT))
    ]


def _cpu_model(run: Run) -> str:
    return run.facts.cpu.model if run.facts.cpu else UNKNOWN


def _gpus(run: Run) -> str:
    """Files from before GPUs were recorded have none to tell."""
    return ", ".join(run.facts.gpus) or UNKNOWN


def _on_gpu(*runs: Run) -> bool:
    return any(row.device != "cpu" for run in runs for row in run.plan.rows)


def _major(run: Run) -> str:
    return run.envdoctor_version.partition(".")[0]
