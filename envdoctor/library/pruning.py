"""Which stored runs are too many or too old; what must not go is said with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.library.records import Entry

UNTOUCHED = timedelta(hours=24)
"""A run that says that it is running is believed for so long after its last block."""


@dataclass(frozen=True)
class Pruning:
    """What would go, and what is spared although it is too many or too old."""

    deleted: tuple[Entry, ...]
    spared: tuple[tuple[Entry, str], ...]
    """With the reason."""


def choose_pruned(
    runs: Sequence[Entry], *, keep: int | None, older_than_days: float | None, now: datetime
) -> Pruning:
    """Choose among runs that are given newest first.

    Args:
        runs: those that can be read; other files are never touched.
        keep: so many of the newest stay.
        older_than_days: what is younger stays. With both, a run goes only if both say so.
        now: the present moment.
    """
    deleted: list[Entry] = []
    spared: list[tuple[Entry, str]] = []
    for number, entry in enumerate(runs):
        surplus = keep is None or number >= keep
        old = older_than_days is None or _age(entry, now) > timedelta(days=older_than_days)
        if not (surplus and old):
            continue
        reason = _sparing(entry, now)
        if reason:
            spared.append((entry, reason))
        else:
            deleted.append(entry)
    return Pruning(tuple(deleted), tuple(spared))


def _sparing(entry: Entry, now: datetime) -> str:
    if entry.names:
        return "it has a name"
    if entry.state == "running" and _untouched(entry, now) < UNTOUCHED:
        return "it may still be running"
    return ""


def _untouched(entry: Entry, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(entry.modified_ns * 1e-9, UTC)


def _age(entry: Entry, now: datetime) -> timedelta:
    """By its own date, or that of its file where it has none that is one."""
    try:
        started = datetime.fromisoformat(entry.started_at)
    except ValueError:
        return _untouched(entry, now)
    return now - (started if started.tzinfo else started.replace(tzinfo=UTC))
