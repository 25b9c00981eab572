"""What is known of the files of the folder, so that a list of ten thousand takes no second.

The folder is the truth and this file a cache of it: an entry counts while the size and the time
of its file are the same, whatever else has happened. So it may be missing, stale, damaged or
written by two processes at once: the worst that follows is that files are looked at again.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from envdoctor import __version__
from envdoctor.library.heads import read_entry
from envdoctor.library.names import names_by_run
from envdoctor.library.outcomes import outcome_of
from envdoctor.library.records import Entry, Listing

INDEX = ".index.json"


class _Index(Struct):
    version: str
    """Of envdoctor, whose verdicts these are."""
    entries: dict[str, Entry]


def list_runs(folder: Path, *, limit: int | None = None, judged: bool = True) -> Listing:
    """The runs of a folder, newest first, and the files in it that are none.

    Args:
        folder: where the runs lie; one that is not there holds none.
        limit: at most so many runs are listed.
        judged: whether those get their verdicts, which takes a whole file each, once.
    """
    known = _read(folder)
    entries = _entries(folder, known)
    order = sorted(entries.values(), key=lambda entry: (entry.started_at, entry.id), reverse=True)
    shown = [each for each in order if not each.problem][:limit]
    if judged:
        shown = [_judged(folder, entry) for entry in shown]
        entries.update({entry.id: entry for entry in shown})
    if entries != known:
        _write(folder, entries)
    names = names_by_run(folder)
    return Listing(
        folder=str(folder),
        total=len(entries),
        runs=tuple(_named(entry, names) for entry in shown if not entry.problem),
        problems=tuple(_named(each, names) for each in entries.values() if each.problem),
    )


def _named(entry: Entry, names: dict[str, tuple[str, ...]]) -> Entry:
    return structs.replace(entry, names=names.get(entry.id, ()))


def _entries(folder: Path, known: dict[str, Entry]) -> dict[str, Entry]:
    """An entry for each file, from what is known of it or from its beginning."""
    found: dict[str, Entry] = {}
    try:
        files = list(os.scandir(folder))
    except OSError:
        return found
    for file in files:
        if not file.name.endswith(".json") or file.name.startswith("."):
            continue
        try:
            status = file.stat()
        except OSError:
            continue  # deleted meanwhile, or a link to nowhere
        key = file.name.removesuffix(".json")
        old = known.get(key)
        same = old and (old.size_bytes, old.modified_ns) == (status.st_size, status.st_mtime_ns)
        found[key] = old if old and same else read_entry(Path(file.path), status)
    return found


def _judged(folder: Path, entry: Entry) -> Entry:
    """The entry with its verdict, which takes the whole file once."""
    if entry.verdict or entry.problem:
        return entry
    grade, verdict, problem = outcome_of(folder / f"{entry.id}.json", entry.size_bytes)
    return structs.replace(entry, grade=grade, verdict=verdict, problem=problem)


def _read(folder: Path) -> dict[str, Entry]:
    try:
        index = msgspec.json.decode((folder / INDEX).read_bytes(), type=_Index)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return index.entries if index.version == __version__ else {}


def _write(folder: Path, entries: dict[str, Entry]) -> None:
    """Replace the index, whole; a folder that takes no file is listed all the same."""
    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f"{INDEX}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(msgspec.json.encode(_Index(__version__, entries)))
            Path(temporary).replace(folder / INDEX)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
