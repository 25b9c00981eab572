"""Which file the dynamic loader of Linux would take for a library, found without loading it."""

from __future__ import annotations

import os
import platform
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.detect.reading import exists
from envdoctor.model.machine import Library

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_FOLDERS = ("lib64", "usr/lib64", "lib", "usr/lib")
"""What the loader of glibc tries last (ld.so(8))."""
CACHE = "etc/ld.so.cache"
MAGIC = b"glibc-ld.so.cache1.1"
HEADER_BYTES = 48
ENTRY = struct.Struct("<iIIIQ")
"""Flags, offsets of name and path, OS version, hardware capabilities: `struct file_entry_new` of
glibc's dl-cache.h. Offsets count from the magic."""
LIBRARY_KINDS = {"x86_64": 0x0300, "aarch64": 0x0A00, "ppc64le": 0x0500}
"""The bits 0xFF00 of the flags that mark libraries of these architectures."""


def find_libraries(
    soname: str, root: Path, variables: Mapping[str, str], extra: tuple[tuple[str, str], ...] = ()
) -> tuple[Library, ...]:
    """Every file that could win, the winner first; two names of one file count once.

    Args:
        soname: such as `libcuda.so.1`.
        root: of the file system.
        variables: of the process, for LD_LIBRARY_PATH.
        extra: further folders with their origins, which the loader does not look at.
    """
    found: dict[str, Library] = {}
    for path, origin in _candidates(soname, root, variables, extra):
        if not exists(path):
            continue
        real_path = os.path.realpath(path)
        found.setdefault(
            real_path,
            Library(
                soname=soname,
                path=_shown(path, root),
                real_path=_shown(Path(real_path), root),
                origin=origin,
            ),
        )
    return tuple(found.values())


def _candidates(
    soname: str, root: Path, variables: Mapping[str, str], extra: tuple[tuple[str, str], ...]
) -> Iterator[tuple[Path, str]]:
    for folder in variables.get("LD_LIBRARY_PATH", "").replace(";", ":").split(":"):
        if folder:
            yield root / folder.lstrip("/") / soname, "LD_LIBRARY_PATH"
    try:
        cache = (root / CACHE).read_bytes()
    except OSError:
        cache = b""
    for path in cached_paths(cache, soname, platform.machine()):
        yield root / path.lstrip("/"), "ldconfig"
    for folder in DEFAULT_FOLDERS:
        yield root / folder / soname, "default folder"
    for folder, origin in extra:
        yield root / folder / soname, origin


def cached_paths(cache: bytes, soname: str, architecture: str) -> list[str]:
    """The paths that the loader's cache has for a name; none if it is of another format.

    Args:
        cache: the content of ld.so.cache.
        soname: the name of the library.
        architecture: whose libraries count; those of an unknown one all do.
    """
    start = cache.find(MAGIC)
    wanted = soname.encode()
    if start < 0 or wanted not in cache:
        return []
    body = cache[start:]
    if len(body) < HEADER_BYTES:
        return []
    (count,) = struct.unpack_from("<I", body, len(MAGIC))
    last = min(count, (len(body) - HEADER_BYTES) // ENTRY.size)
    entries = body[HEADER_BYTES : HEADER_BYTES + last * ENTRY.size]
    kind = LIBRARY_KINDS.get(architecture)
    return [
        _text(body, path)
        for flags, name, path, _, _ in ENTRY.iter_unpack(entries)
        if (kind is None or flags & 0xFF00 == kind)
        and body[name : name + len(wanted) + 1] == wanted + b"\0"
    ]


def _text(body: bytes, offset: int) -> str:
    end = body.find(b"\0", offset)
    return os.fsdecode(body[offset : end if end >= 0 else None])


def _shown(path: Path, root: Path) -> str:
    """A path as it is below the root; a link may lead out of a root that is not `/`."""
    real_root = Path(os.path.realpath(root))
    for base in (root, real_root):
        if path.is_relative_to(base):
            return f"/{path.relative_to(base)}"
    return str(path)
