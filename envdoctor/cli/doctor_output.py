"""Where the doctor's reports go, how they look there, and what they keep to themselves."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from envdoctor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envdoctor.model.snapshot import Snapshot
    from envdoctor.report.doctor_console import Look
    from envdoctor.target.inspection import Ahead

T = TypeVar("T")


@contextlib.contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """The file to write a report to, or standard output.

    Raises:
        InputError: the file cannot be written.
    """
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", errors="replace", newline="") as stream:
            yield stream
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be written ({reason}).") from error


def here() -> Path:
    """The current folder, or the root if somebody has deleted it."""
    try:
        return Path.cwd()
    except OSError:
        return Path(Path(sys.executable).anchor)


def ask_ahead(pythons: Sequence[str | None]) -> Ahead:
    """Let these interpreters look at their environments from now on; this one if none is named.

    Raises:
        InputError: one of them is no program.
    """
    from envdoctor.target.inspection import Ahead
    from envdoctor.target.interpreter import find_interpreter

    return Ahead([find_interpreter(each) for each in pythons or (None,)], str(here()))


def redact(record: T, snapshots: Iterable[Snapshot]) -> T:
    """A record without what is private; names of distributions are no names of people."""
    from envdoctor.diagnosis.redaction import Redactor

    kept = {name for each in snapshots for name in each.environment.distributions}
    return Redactor.of_this_machine(kept).apply(record)


def look_of(stream: TextIO, width: int, *, verbose: bool) -> Look:
    """How a report may look on a stream: colour on terminals only, symbols if it can write them."""
    from envdoctor.report.doctor_console import SYMBOLS, Look

    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return Look(
        width=width,
        colour=stream.isatty() and not plain,
        unicode=_can_write("".join(SYMBOLS.values()), stream),
        verbose=verbose,
    )


def _can_write(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
