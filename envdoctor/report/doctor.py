"""What every report of the doctor says: problems with their consequences, groups, last lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.report import doctor_facts as facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envdoctor.model.diagnosis import Target
    from envdoctor.model.finding import Evidence, Finding, Status
    from envdoctor.model.snapshot import Snapshot

SEVERITY: tuple[Status, ...] = ("fail", "warn", "error", "info", "skip", "ok")
PROBLEMS = frozenset({"fail", "warn"})
WORDS = {"fail": "problem", "warn": "warning", "info": "note"}
PROMISE = "A pass speaks only for what was checked."


@dataclass(frozen=True)
class Problem:
    """A finding that stands by itself, with those that it explains."""

    finding: Finding
    consequences: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Group:
    """One line of the report: the checks of one subject."""

    status: Status
    headline: str


def roots(target: Target, *statuses: Status) -> list[Problem]:
    """The findings of these statuses that are neither muted nor explained by a shown one."""
    seen = [finding for finding in target.findings if not finding.muted]
    causes = {finding.id for finding in seen if finding.status in PROBLEMS}
    found = [f for f in seen if f.status in statuses and f.caused_by not in causes]
    first = {finding.id: finding for finding in reversed(found)}
    return [Problem(f, _after(f, seen) if first[f.id] is f else ()) for f in found]


def _after(cause: Finding, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The consequences, under the first of several findings of one check."""
    return tuple(finding for finding in findings if finding.caused_by == cause.id)


def groups(target: Target) -> list[Group]:
    """A line for each group that has something to speak of here, in the order of their names."""
    names = sorted({checked.group for checked in target.checked})
    found = []
    for name in names:
        checked = [each for each in target.checked if each.group == name]
        status = min((each.status for each in checked), key=SEVERITY.index)
        headline = _headline(name, target.snapshot, len(checked))
        if status in {"fail", "warn", "error"} or headline:
            found.append(Group(status, headline or name))
    return found


def _headline(group: str, snapshot: Snapshot, checks: int) -> str:
    """What was looked at; empty if there is nothing of it on this machine."""
    machine, environment = snapshot.machine, snapshot.environment
    if group in environment.frameworks:
        return facts.framework(environment.frameworks[group])
    if group in ONLY_WHEN_PRESENT:
        return ""
    if group == "probes":
        return _exercised(snapshot)
    if group in HARDWARE:
        present = getattr(machine, HARDWARE[group]) is not None
        return f"{group}: {facts.gpus(machine)}" if present else ""
    told = {
        "machine": f"machine: {facts.processor(machine)}, {facts.memory(machine)}",
        "packages": f"packages: {len(environment.distributions)} distributions",
        "python": f"Python {environment.interpreter.version}",
    }
    plural = "" if checks == 1 else "s"
    return told.get(group, f"{group}: {checks} check{plural}")


def _exercised(snapshot: Snapshot) -> str:
    """`exercised: numpy on cpu, torch on cpu`; empty if nothing was."""
    places = [f"{each.framework} on {each.device or 'nothing'}" for each in snapshot.probes or ()]
    return f"exercised: {', '.join(places)}" if places else ""


ONLY_WHEN_PRESENT = frozenset({"torch", "tensorflow", "jax", "keras", "devices"})
"""Groups that have nothing to say of an environment without them."""
HARDWARE = {"nvidia": "nvidia", "amd": "amd", "tpu": "tpu"}
"""Groups of hardware, with the part of the machine that they are about."""


def evidence(found: Evidence) -> str:
    """A fact with its source."""
    return f"{found.fact} ({found.source})" if found.source else found.fact


def counted(target: Target) -> str:
    """`62 checks: 1 problem, 2 warnings, 3 notes`."""
    counts = target.counts
    if not counts.checks:
        return "nothing was checked"
    parts = [
        f"{number} {WORDS[status]}{'' if number == 1 else 's'}"
        for status in ("fail", "warn", "info")
        if (number := getattr(counts, status))
    ]
    if counts.error:
        parts.append(f"{counts.error} could not be checked")
    if counts.muted:
        parts.append(f"{counts.muted} muted")
    plural = "" if counts.checks == 1 else "s"
    return f"{counts.checks} check{plural}: {', '.join(parts) or 'all is well'}"


def unseen(target: Target) -> list[str]:
    """What could not be looked at, with the reasons."""
    snapshot = target.snapshot
    both = (*snapshot.machine.unseen, *snapshot.environment.unseen)
    looked = [f"{each.what}: {each.reason}" for each in both]
    checked = [
        f"{each.id}: {each.title}" + (f". {each.cause}" if each.cause else "")
        for each in target.findings
        if each.status == "error" and not each.muted
    ]
    return [*dict.fromkeys(looked), *checked]


def summary(snapshot: Snapshot) -> list[str]:
    """The first lines: machine, interpreter, frameworks, what surrounds them."""
    lines = [
        facts.machine_line(snapshot.machine),
        facts.python_line(snapshot.environment),
        facts.frameworks_line(snapshot.environment),
        facts.surroundings_line(snapshot.environment),
    ]
    return [line for line in lines if line]


def needs(finding: Finding, number: int) -> str:
    """What is to be known before a command is run: root, a restart."""
    remedy = finding.remedies[number]
    parts = [
        *(["needs administrator rights"] if remedy.needs_root else []),
        *(["needs a restart"] if remedy.restarts else []),
    ]
    return ", ".join(parts)
