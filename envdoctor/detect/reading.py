"""Small files of /proc, /sys and /etc, read without ever raising."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envdoctor.model.machine import DeviceNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MOST_BYTES = 1 << 20
"""Nothing that is read here is larger; a file that never ends is cut."""


def read_text(path: Path) -> str:
    """The stripped text of a file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8", errors="replace").strip()
    except (OSError, ValueError):
        return ""


def read_number(path: Path) -> int | None:
    """The number that a file holds, decimal or with 0x; None if there is none."""
    return number(read_text(path))


def number(text: str) -> int | None:
    """A number as sysfs writes it; None if it is none."""
    try:
        return int(text.strip(), 0)
    except ValueError:
        return None


def exists(path: Path) -> bool:
    """Whether there is such a path; not, if it may not be known."""
    try:
        return path.exists()
    except OSError:
        return False


def children(folder: Path, pattern: str = "*") -> list[Path]:
    """What fits a pattern in a folder, in order; nothing if it cannot be listed."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def named_values(text: str) -> dict[str, str]:
    """Lines such as `MemTotal: 16 kB` or `ID="ubuntu"`; the first of a name counts."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        for separator in ("=", ":"):
            name, found, value = line.partition(separator)
            if found and name.strip().replace(" ", "_").isidentifier():
                values.setdefault(name.strip(), value.strip().strip("\"'"))
                break
    return values


def device_nodes(paths: Iterable[Path], root: Path) -> Iterator[DeviceNode]:
    """What this process may do with files under /dev; folders are left out."""
    for path in paths:
        try:
            if path.is_dir():
                continue
            group = path.stat().st_gid
        except OSError:
            continue
        yield DeviceNode(
            path=f"/{path.relative_to(root)}",
            readable=os.access(path, os.R_OK),
            writable=os.access(path, os.W_OK),
            group=group,
        )
