"""What is known of the files of the folder, so that a list of ten thousand takes no second.

The folder is the truth and the index a cache of it: an entry counts while the size and the times
of its file are the same, whatever else has happened. So the index may be missing, stale, damaged
or written by two processes at once: the worst that follows is that files are looked at again.
What only a new file needs is imported when there is one.
"""

from __future__ import annotations

import os
from heapq import nlargest
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from envdoctor.library.index_file import keep, read_index, write_index
from envdoctor.library.names import names_by_run
from envdoctor.library.records import Entry, Listing

if TYPE_CHECKING:
    from pathlib import Path

    from envdoctor.library.index_file import Kept

MOST_JUDGED = 100
"""So many runs get their verdicts in one list: each takes a whole file and some milliseconds."""
_ENDING = ".json"


def list_runs(folder: Path, *, limit: int | None = None, judged: bool = True) -> Listing:
    """The runs of a folder, newest first, and the files in it that are none.

    Args:
        folder: where the runs lie; one that is not there holds none.
        limit: at most so many runs are listed.
        judged: whether those get their verdicts, which takes a whole file each, once; at most
            `MOST_JUDGED` at a time, the newest first.
    """
    try:
        return _list(folder, read_index(folder), limit, judged=judged)
    except msgspec.MsgspecError:  # the index is damaged inside an entry
        return _list(folder, {}, limit, judged=judged)


def _list(folder: Path, known: dict[str, Kept], limit: int | None, *, judged: bool) -> Listing:
    files = _look(folder, known)
    readable = [(kept.started_at, name) for name, kept in files.items() if not kept.problem]
    newest = nlargest(len(files) if limit is None else limit, readable)
    entries = [files[name].entry() for _, name in newest]
    if judged:
        entries = _judged(folder, files, entries)
    if files != known:
        write_index(folder, files)
    names = names_by_run(folder)
    problems = sorted(name for name, kept in files.items() if kept.problem)
    return Listing(
        folder=str(folder).encode("utf-8", "replace").decode(),
        total=len(files),
        runs=tuple(_named(entry, names) for entry in entries if not entry.problem),
        problems=tuple(_named(files[name].entry(), names) for name in problems),
    )


def _named(entry: Entry, names: dict[str, tuple[str, ...]]) -> Entry:
    return structs.replace(entry, names=names.get(entry.id, ())) if names else entry


def _look(folder: Path, known: dict[str, Kept]) -> dict[str, Kept]:
    """What is known of each file that is there, from the index or from its beginning."""
    found: dict[str, Kept] = {}
    try:
        files = list(os.scandir(folder))
    except OSError:
        return found
    for file in files:
        name = file.name
        if not name.endswith(_ENDING) or name.startswith("."):
            continue
        try:
            status = file.stat()
        except OSError:
            continue  # deleted meanwhile, or a link to nowhere
        key = name[: -len(_ENDING)]
        kept = known.get(key)
        if kept and kept.of(status):
            found[key] = kept
        else:
            entry = _read(file, status)
            found[entry.id] = keep(entry, status.st_ctime_ns)
    return found


def _read(file: os.DirEntry[str], status: os.stat_result) -> Entry:
    """What the beginning of a file tells that nothing is known of."""
    from envdoctor.library.heads import read_entry

    return read_entry(file, status)


def _judged(folder: Path, files: dict[str, Kept], entries: list[Entry]) -> list[Entry]:
    """The entries with verdicts, as many as there is time for; they are kept in `files`."""
    left = MOST_JUDGED
    found = []
    for entry in entries:
        if not entry.verdict and left:
            left -= 1
            judged = _judge(folder, entry)
            files[entry.id] = keep(judged, files[entry.id].changed_ns)
            found.append(judged)
        else:
            found.append(entry)
    return found


def _judge(folder: Path, entry: Entry) -> Entry:
    """The entry with its verdict or its problem, which takes the whole file once."""
    from envdoctor.library.outcomes import outcome_of

    grade, verdict, problem = outcome_of(folder / f"{entry.id}{_ENDING}", entry.size_bytes)
    return structs.replace(entry, grade=grade, verdict=verdict, problem=problem)
