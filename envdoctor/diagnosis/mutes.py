"""Findings that a user or a project does not want to see, with the reason, until a day.

    [[mute]]
    id = "shm-too-small"
    reason = "no data loader with workers here"
    until = 2027-01-31

stands in `envdoctor.toml`, in the current folder or in the user's configuration folder; in a
`pyproject.toml` it is `[[tool.envdoctor.mute]]`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from envdoctor.diagnosis.judge import require_known
from envdoctor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

FILE = "envdoctor.toml"
KEYS = ("id", "reason", "until")


@dataclass(frozen=True, kw_only=True)
class Mute:
    """One finding that is not to be shown."""

    id: str
    reason: str
    until: date | None
    """The last day on which it holds."""
    place: str
    """The file and key that it stands in."""

    def holds(self, today: date) -> bool:
        """Whether it has not expired."""
        return self.until is None or today <= self.until


def read_mutes(
    project: Path, user: Path | None = None, known: Collection[str] | None = None
) -> list[Mute]:
    """The mutes of a project folder and of a user's configuration folder.

    Args:
        project: where `envdoctor.toml` and `pyproject.toml` may lie.
        user: where another `envdoctor.toml` may lie.
        known: the ids of all checks; None if some were left out, and any id is to be taken.

    Raises:
        InputError: a file that cannot be read, an unknown key or id, or a reason that is missing.
    """
    mutes = [mute for path, table in _tables(project, user) for mute in _mutes(path, table)]
    for mute in mutes:
        if known is not None:
            require_known(mute.id, known, mute.place)
    return mutes


def holding(mutes: Iterable[Mute], today: date) -> dict[str, str]:
    """The reasons of the mutes that hold, by id."""
    return {mute.id: mute.reason for mute in mutes if mute.holds(today)}


def expired(mutes: Iterable[Mute], today: date) -> tuple[str, ...]:
    """A sentence for each mute that holds no longer."""
    return tuple(
        f"{mute.place}: the mute of {mute.id} ended on {mute.until} and holds no longer."
        for mute in mutes
        if not mute.holds(today)
    )


def _tables(project: Path, user: Path | None) -> Iterator[tuple[Path, dict[str, Any]]]:
    folders = [project] if user is None or user == project else [user, project]
    for path in (folder / FILE for folder in folders):
        if path.is_file():
            yield path, _load(path)
    path = project / "pyproject.toml"
    # A damaged one that says nothing to us is not our business.
    if path.is_file() and b"envdoctor" in _read(path):
        tool = _load(path).get("tool")
        table = tool.get("envdoctor") if isinstance(tool, dict) else None
        if isinstance(table, dict):
            yield path, table


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(path).decode("utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is no valid TOML ({error}).") from error


def _mutes(path: Path, table: dict[str, Any]) -> Iterator[Mute]:
    for key in table:
        if key != "mute":
            raise InputError(f"{path}: the key `{key}` is unknown.", "The only one is [[mute]].")
    entries = table.get("mute", [])
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise InputError(f"{path}: `mute` is no list of tables.", "Begin each with [[mute]].")
    for number, entry in enumerate(entries, 1):
        yield _mute(f"{path}, mute {number}", entry)


def _mute(place: str, entry: dict[str, Any]) -> Mute:
    for key in entry:
        if key not in KEYS:
            raise InputError(f"{place}: the key `{key}` is unknown.", "Known: id, reason, until.")
    for key in ("id", "reason"):
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{place}: `{key}` is missing or no text.", "A mute needs a reason.")
    return Mute(
        id=entry["id"],
        reason=entry["reason"].strip(),
        until=_day(place, entry.get("until")),
        place=place,
    )


def _day(place: str, value: object) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise InputError(
            f"{place}: `until` is {value!s}, which is no day.", "Such as until = 2027-01-31."
        ) from error
