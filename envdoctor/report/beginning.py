"""When a run began, for formats that say it in their own way."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from envdoctor.errors import InputError

if TYPE_CHECKING:
    from envdoctor.model.run import Run


def local_time(run: Run) -> str:
    """The date and time as the run file has it, to the second and without its zone.

    Raises:
        InputError: what the run file has is no time.
    """
    return _began(run).replace(tzinfo=None).isoformat(timespec="seconds")


def seconds_since_1970(run: Run) -> float:
    """The same as a time stamp of Unix.

    Raises:
        InputError: what the run file has is no time.
    """
    try:
        return _began(run).timestamp()
    except (OverflowError, OSError, ValueError) as error:
        raise _no_time(run) from error


def _began(run: Run) -> datetime:
    try:
        return datetime.fromisoformat(run.started_at)
    except ValueError as error:
        raise _no_time(run) from error


def _no_time(run: Run) -> InputError:
    return InputError(
        f"the run says that it began at {run.started_at[:40]!r}, which is no time of ISO 8601.",
        "Its file is damaged; take the one that envdoctor wrote.",
    )
