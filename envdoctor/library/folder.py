"""The folder of stored runs: where it is, which file is meant, and how one goes."""

from __future__ import annotations

import re
from pathlib import Path

import platformdirs

from envdoctor.errors import IncompleteError, InputError
from envdoctor.library.names import forget, names_by_run, run_of

_ID = re.compile(r"[^/\\.][^/\\]*")
SHORTEST_PREFIX = 4


def runs_folder() -> Path:
    """Where `envdoctor bench` keeps its runs."""
    return platformdirs.user_data_path("envdoctor") / "runs"


def stored_ids(folder: Path) -> list[str]:
    """The ids of all files of the folder, whatever is in them, in alphabetical order."""
    return sorted(each.stem for each in folder.glob("[!.]*.json"))


def find_run(folder: Path, text: str) -> Path:
    """The file of the run that an id, the beginning of one, or a name means.

    Raises:
        InputError: none is meant, or more than one.
    """
    run = run_of(folder, text) or text
    path = folder / f"{run}.json"
    if _ID.fullmatch(run) and path.is_file():
        return path
    ids = stored_ids(folder)
    meant = [each for each in ids if each.startswith(text)] if len(text) >= SHORTEST_PREFIX else []
    if len(meant) == 1:
        return folder / f"{meant[0]}.json"
    if meant:
        some = ", ".join(meant[:3])
        raise InputError(f"`{text}` is the beginning of {len(meant)} runs.", f"Such as {some}.")
    import difflib

    known = [*ids, *(name for names in names_by_run(folder).values() for name in names)]
    close = difflib.get_close_matches(text, known, n=1)
    hint = f"Did you mean `{close[0]}`?" if close else "`envdoctor runs list` shows them all."
    raise InputError(f"there is no stored run `{text}`.", hint)


def find_run_or_file(folder: Path, text: str) -> Path:
    """The same, or a run file at any other place: what looks like a path is one, there or not."""
    path = Path(text)
    named_so = path.suffix == ".json" and not run_of(folder, text)
    if named_so or path.name != text or path.is_file():
        return path
    return find_run(folder, text)


def delete_run(path: Path) -> None:
    """Remove a run file, and the names of the run.

    Raises:
        IncompleteError: the disk refuses.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise IncompleteError(f"{path} cannot be deleted ({error.strerror}).") from error
    forget(path.parent, path.stem)
