"""What the user calls runs: a file for each name, which holds the id of its run.

One file a name needs no lock: it is made whole or not at all, and two processes that name two
runs at once touch different files.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from envdoctor.errors import IncompleteError, InputError

FOLDER = ".names"
_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def set_name(folder: Path, name: str, run: str) -> str:
    """Call a run by a name, and return the id of the run that bore it before, or nothing.

    Raises:
        InputError: it cannot be a name.
        IncompleteError: the disk refuses.
    """
    if not _PATTERN.fullmatch(name):
        raise InputError(
            f"`{name}` cannot be a name.",
            "Letters, digits, dots, hyphens and underscores, 64 at most, no dot first.",
        )
    if (folder / f"{name}.json").exists():
        raise InputError(f"`{name}` is the id of a run, so it cannot be a name.")
    import tempfile

    before = run_of(folder, name)
    place = folder / FOLDER
    try:
        place.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place, prefix=".")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(run)
        Path(temporary).replace(place / name)
    except OSError as error:
        raise IncompleteError(f"the name cannot be written ({error.strerror}).") from error
    return "" if before == run else before


def run_of(folder: Path, name: str) -> str:
    """The id of the run that bears a name; empty if none does."""
    if not _PATTERN.fullmatch(name):
        return ""
    try:
        return (folder / FOLDER / name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def names_by_run(folder: Path) -> dict[str, tuple[str, ...]]:
    """The names of every run that has some, in alphabetical order."""
    found: dict[str, tuple[str, ...]] = {}
    try:
        files = sorted(path.name for path in (folder / FOLDER).iterdir())
    except OSError:
        return found
    for name in files:
        run = run_of(folder, name)
        if run:
            found[run] = (*found.get(run, ()), name)
    return found


def forget(folder: Path, run: str) -> None:
    """Remove the names of a run that is gone."""
    for name in names_by_run(folder).get(run, ()):
        with contextlib.suppress(OSError):
            (folder / FOLDER / name).unlink()
