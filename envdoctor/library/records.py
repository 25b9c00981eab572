"""What is said of stored runs in a list: one line each."""

from __future__ import annotations

from msgspec import Struct

LISTING_SCHEMA = 1


class Entry(Struct, frozen=True, kw_only=True):
    """One file of the folder, as far as its beginning tells."""

    id: str
    """The name of the file without its ending: what other commands take."""
    names: tuple[str, ...] = ()
    """What the user calls it."""
    size_bytes: int
    modified_ns: int
    """With the size, what tells that the file is still the one that was looked at."""
    started_at: str = ""
    """ISO 8601, UTC; empty if the file could not be read."""
    state: str = ""
    workloads: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    """Their titles."""
    grade: str = ""
    """The worst noise grade of its workloads; empty without one, or if nobody has looked yet."""
    verdict: str = ""
    """What came first, in a few words; empty if nobody has looked yet."""
    problem: str = ""
    """Why it is no run that can be shown, in a sentence; empty if it is one."""


class Listing(Struct, frozen=True, kw_only=True):
    """The runs of a folder, newest first."""

    schema: int = LISTING_SCHEMA
    folder: str
    total: int
    """Of all files, shown or not."""
    runs: tuple[Entry, ...] = ()
    problems: tuple[Entry, ...] = ()
    """The files that are no runs that can be shown."""
