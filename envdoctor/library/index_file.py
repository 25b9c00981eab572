"""The file of the index: what was found in each run file, kept so that most of it stays unread.

An entry is kept as the text that it is in JSON: a list shows twenty of ten thousand, and only
those have to be decoded. What all of them need, to be compared and sorted, lies beside the text.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from envdoctor import __version__
from envdoctor.library.records import Entry

if TYPE_CHECKING:
    from pathlib import Path

INDEX = ".index.json"


class Kept(Struct, frozen=True, array_like=True, gc=False):
    """What is known of a file, and how it looked when that was found."""

    size_bytes: int
    modified_ns: int
    changed_ns: int
    """Of the file itself, which nobody can set: it tells of another file of the same age and size,
    where the system keeps such a time."""
    started_at: str
    problem: bool
    """Whether it is no run that can be shown."""
    text: Raw

    def of(self, status: os.stat_result) -> bool:
        """Whether the file is still the one that was looked at."""
        return (
            self.modified_ns == status.st_mtime_ns
            and self.changed_ns == status.st_ctime_ns
            and self.size_bytes == status.st_size
        )

    def entry(self) -> Entry:
        """The whole of what is known."""
        return msgspec.json.decode(self.text, type=Entry)


class _Index(Struct):
    version: str
    """Of envdoctor, whose verdicts these are."""
    files: dict[str, Kept]


def keep(entry: Entry, changed_ns: int) -> Kept:
    """The record of an entry, of a file that was last changed then."""
    return Kept(
        entry.size_bytes,
        entry.modified_ns,
        changed_ns,
        entry.started_at,
        bool(entry.problem),
        Raw(msgspec.json.encode(entry)),
    )


def read_index(folder: Path) -> dict[str, Kept]:
    """What is known of each file, by its name without the ending; nothing if that is damaged."""
    try:
        index = msgspec.json.decode((folder / INDEX).read_bytes(), type=_Index)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return index.files if index.version == __version__ else {}


def write_index(folder: Path, files: dict[str, Kept]) -> None:
    """Replace the index, whole; a folder that takes no file is listed all the same."""
    import tempfile
    from pathlib import Path

    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f"{INDEX}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(msgspec.json.encode(_Index(__version__, files)))
            Path(temporary).replace(folder / INDEX)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
