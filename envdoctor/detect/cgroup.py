"""Limits of the control groups of this process, over all of its ancestors (version 2 and 1)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
NO_LIMIT_BYTES = 1 << 60
"""Version 1 writes a huge number where there is no limit."""


def cpu_quota(root: Path = ROOT, membership: Path = MEMBERSHIP) -> float | None:
    """CPUs' worth of time per period: the least of all ancestors, None without a limit."""
    quotas = [_quota_v2(folder) for folder in _ancestors(root, membership, "")]
    quotas += [_quota_v1(folder) for folder in _ancestors(root, membership, "cpu")]
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_limit(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int | None:
    """Bytes that the process may use: the least of all ancestors, None without a limit."""
    limits = [_number(folder / "memory.max") for folder in _ancestors(root, membership, "")]
    limits += [
        _number(folder / "memory.limit_in_bytes")
        for folder in _ancestors(root, membership, "memory")
    ]
    known = [limit for limit in limits if limit is not None and limit < NO_LIMIT_BYTES]
    return min(known, default=None)


def throttled_periods(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int | None:
    """How often the quota has stopped this group; None where it is not counted."""
    return _own_count(root, membership, "cpu", "cpu.stat", "nr_throttled")


def memory_kills(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int | None:
    """How many processes of this group were killed for want of memory; None if not counted."""
    return _own_count(root, membership, "memory", "memory.events", "oom_kill")


def _own_count(
    root: Path, membership: Path, controller: str, file_name: str, key: str
) -> int | None:
    """A counter of the group itself, in version 2 or 1; in a container that is often the root."""
    version_1 = {"memory.events": "memory.oom_control"}.get(file_name, file_name)
    places = [
        *((folder / file_name) for folder in _ancestors(root, membership, "")),
        *((folder / version_1) for folder in _ancestors(root, membership, controller)),
    ]
    for place in places:
        for line in _lines(place):
            name, _, value = line.partition(" ")
            if name == key and value.isdecimal():
                return int(value)
    return None


def _ancestors(root: Path, membership: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's group and of all above it; version 2 has no controller."""
    for line in _lines(membership):
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if controller and controller not in names.split(","):
            continue
        if not controller and not (number == "0" and names == ""):
            continue
        base = root / names if controller else root
        if controller and not base.is_dir():
            base = root / controller
        folder = base / path.strip().lstrip("/")
        yield from (base / part for part in _walk(folder, base))


def _walk(folder: Path, base: Path) -> Iterator[Path]:
    relative = folder.relative_to(base)
    yield relative
    yield from relative.parents


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].strip().lstrip("-").isdigit() else None


def _quota_v2(folder: Path) -> float | None:
    lines = _lines(folder / "cpu.max")
    if not lines:
        return None
    quota, _, period = lines[0].partition(" ")
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return None
    return int(quota) / int(period)


def _quota_v1(folder: Path) -> float | None:
    quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None
