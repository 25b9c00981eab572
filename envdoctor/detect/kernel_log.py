"""The latest messages of the kernel, where they may be read without asking for rights."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HOURS = 2
"""How far back: as Azure's node health checks look for Xid errors."""
MOST_LINES = 50
MOST_RECORDS = 20_000
"""The kernel keeps fewer; a log that grows while it is read comes to an end."""
INTERESTING = re.compile(
    r"NVRM|\bXid\b|\bnvidia\b|nvidia-uvm|[Oo]ut of memory|oom-kill|unavailable key|Key was rejected"
)
RECORD_BYTES = 8192
"""The most that one read of /dev/kmsg gives (the kernel's own limit for a record)."""


def read_messages(root: Path) -> tuple[str, ...] | None:
    """The interesting messages of the last hours; None where the log may not be read."""
    try:
        log = os.open(root / "dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    except (OSError, AttributeError):
        return None
    try:
        records = _records(log)
    finally:
        os.close(log)
    return None if records is None else interesting(records, time.monotonic())


def interesting(records: Iterable[str], now_seconds: float) -> tuple[str, ...]:
    """The messages of records in the form of /dev/kmsg that matter to frameworks.

    Args:
        records: `priority,number,microseconds,flags;message`.
        now_seconds: the kernel's clock now, from which the age of a message follows.
    """
    found = []
    for record in records:
        head, _, message = record.partition(";")
        fields = head.split(",")
        if len(fields) < 3 or not fields[2].isdecimal():
            continue
        age_seconds = now_seconds - int(fields[2]) / 1e6
        if age_seconds <= HOURS * 3600 and INTERESTING.search(message):
            found.append(message.partition("\n")[0])
    return tuple(found[-MOST_LINES:])


def _records(log: int) -> list[str] | None:
    """All records that are there now; None if not even the first may be read."""
    records: list[str] = []
    for _ in range(MOST_RECORDS):
        try:
            content = os.read(log, RECORD_BYTES)
        except BlockingIOError:
            break
        except BrokenPipeError:
            continue  # the record was overwritten while we read: the next read gives the one after
        except OSError:
            return records or None
        if not content:
            break
        records.append(content.decode("utf-8", errors="replace"))
    return records
