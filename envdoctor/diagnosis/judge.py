"""Runs checks on a snapshot, and puts what follows from a cause under its cause."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.errors import InputError
from envdoctor.model.diagnosis import Checked, Counts, Target
from envdoctor.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from envdoctor.api import Check
    from envdoctor.model.finding import Status
    from envdoctor.model.snapshot import Snapshot

ORDER: tuple[Status, ...] = ("fail", "warn", "error", "info", "skip", "ok")
"""The worst first."""
CAUSES = frozenset({"fail", "warn"})
"""What explains others: a cause that could not be checked, or is no problem, explains nothing."""


def choose_checks(
    checks: Sequence[Check], only: Collection[str] = (), skip: Collection[str] = ()
) -> list[Check]:
    """The checks that are wanted, in the order of their ids.

    Raises:
        InputError: an id that no check has.
    """
    known = {check.id for check in checks}
    for wanted in (*only, *skip):
        require_known(wanted, known)
    return [check for check in checks if check.id not in skip and (not only or check.id in only)]


def require_known(check_id: str, known: Collection[str], where: str = "") -> None:
    """Refuse an id that no check has, with the nearest one that does exist.

    Raises:
        InputError: there is no such check.
    """
    if check_id in known:
        return
    close = difflib.get_close_matches(check_id, sorted(known), n=1)
    hint = f"Did you mean `{close[0]}`?" if close else "`envdoctor check --list` names them all."
    begin = f"{where}: there" if where else "there"
    raise InputError(f"{begin} is no check called `{check_id}`.", hint)


def judge(
    checks: Iterable[Check], snapshot: Snapshot, mutes: Mapping[str, str] | None = None
) -> Target:
    """Everything that the checks find, the worst first.

    Args:
        checks: each is run by itself; a crash becomes a finding of its own.
        snapshot: the facts.
        mutes: reasons by id for findings that nobody wants to see; they explain no others.
    """
    ran = list(checks)
    found = [finding for check in ran for finding in _run(check, snapshot)]
    found = [structs.replace(each, muted=(mutes or {}).get(each.id, "")) for each in found]
    explained = sorted(_explain(found, ran), key=_place)
    return Target(
        interpreter=snapshot.environment.interpreter.path,
        findings=tuple(explained),
        counts=_count(ran, explained),
        checked=tuple(_summarise(check, explained) for check in ran),
        snapshot=snapshot,
    )


def worst(findings: Iterable[Finding]) -> Status:
    """The worst status of findings that are not muted; `ok` without any."""
    statuses = {finding.status for finding in findings if not finding.muted}
    return min(statuses, key=ORDER.index, default="ok")


def _run(check: Check, snapshot: Snapshot) -> list[Finding]:
    try:
        return [_accept(check, finding) for finding in check.run(snapshot)]
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        words = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
        return [
            Finding(
                id=check.id,
                status="error",
                title=f"The check {check.id} broke off",
                cause=f"This is a fault of the check and says nothing of the machine ({words}).",
            )
        ]


def _accept(check: Check, finding: object) -> Finding:
    if not isinstance(finding, Finding):
        raise TypeError(f"it yields {type(finding).__name__}, not Finding")
    if finding.id != check.id:
        raise ValueError(f"it yields a finding called {finding.id}")
    return finding


def _explain(findings: Sequence[Finding], checks: Iterable[Check]) -> list[Finding]:
    """Name the root cause of each finding that has one."""
    present = {each.id for each in findings if each.status in CAUSES and not each.muted}
    severity = {each: ORDER.index(_worst_of(each, findings)) for each in present}
    causes: dict[str, set[str]] = {}
    for check in checks:
        if check.id in present:
            for consequence in set(check.hides) - {check.id}:
                causes.setdefault(consequence, set()).add(check.id)
    for finding in findings:
        siblings = {each.caused_by for each in findings if each.id == finding.id}
        if finding.caused_by in present - {finding.id} and len(siblings) == 1:
            causes.setdefault(finding.id, set()).add(finding.caused_by)
    nearest = {
        consequence: min(found, key=lambda cause: (severity[cause], cause))
        for consequence, found in causes.items()
    }
    return [
        # What a finding names itself is its own cause, and not that of others of its check.
        _attribute(
            finding,
            _root(finding.caused_by if finding.caused_by in present else finding.id, nearest),
        )
        for finding in findings
    ]


def _attribute(finding: Finding, root: str) -> Finding:
    return structs.replace(finding, caused_by="" if root == finding.id else root)


def _worst_of(check_id: str, findings: Iterable[Finding]) -> Status:
    return worst(each for each in findings if each.id == check_id)


def _root(check_id: str, nearest: Mapping[str, str]) -> str:
    """The end of a chain of causes; of a circle, the member that comes first."""
    path = [check_id]
    while (cause := nearest.get(path[-1])) is not None:
        if cause in path:
            return min(path[path.index(cause) :])
        path.append(cause)
    return path[-1]


def _place(finding: Finding) -> tuple[int, str, str]:
    return ORDER.index(finding.status), finding.id, finding.subject


def _count(checks: Sequence[Check], findings: Sequence[Finding]) -> Counts:
    seen = [finding for finding in findings if not finding.muted]
    statuses = [finding.status for finding in seen]
    return Counts(
        checks=len(checks),
        fail=statuses.count("fail"),
        warn=statuses.count("warn"),
        info=statuses.count("info"),
        error=statuses.count("error"),
        muted=len(findings) - len(seen),
        consequences=sum(1 for finding in seen if finding.caused_by),
    )


def _summarise(check: Check, findings: Iterable[Finding]) -> Checked:
    return Checked(
        id=check.id,
        group=check.group,
        summary=check.summary,
        status=_worst_of(check.id, findings),
    )
