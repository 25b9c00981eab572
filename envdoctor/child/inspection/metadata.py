"""The headers of installed distributions; the descriptions below them are not read."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import os
import re
from typing import Dict, List

from envdoctor.child.inspection.folders import read_text

CHUNK_BYTES = 16384
LARGEST_BYTES = 4_000_000
END = re.compile(rb"\r?\n\r?\n")


def normalise(name: str) -> str:
    """A name as requirements are compared: lower case with hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_headers(path: str) -> Dict[str, List[str]]:
    """The headers of METADATA or PKG-INFO by lower-case name; raises OSError."""
    data = b""
    with open(path, "rb") as stream:
        while len(data) < LARGEST_BYTES and not END.search(data):
            chunk = stream.read(CHUNK_BYTES)
            if not chunk:
                break
            data += chunk
    head = END.split(data, 1)[0].decode("utf-8", "surrogateescape")
    found: Dict[str, List[str]] = {}
    for line in head.splitlines():
        key, colon, value = line.partition(":")
        if colon and key[:1].isalpha():  # else the continuation of a licence text
            found.setdefault(key.lower(), []).append(value.strip())
    return found


def egg_requirements(folder: str) -> List[str]:
    """What requires.txt of an egg-info folder asks for, as Requires-Dist would say it."""
    try:
        text = read_text(os.path.join(folder, "requires.txt"))
    except OSError:
        return []
    found, extra, marker = [], "", ""
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
        elif line and not extra:
            found.append(f"{line} ; {marker}" if marker else line)
    return found


def name_in(folder_name: str) -> tuple[str, str]:
    """Name and version in the name of a metadata folder: `numpy-2.1.0.dist-info`."""
    stem = folder_name.rpartition(".")[0]
    name, _, version = stem.partition("-")
    return name, version.partition("-py")[0]
