"""What the RECORD of a distribution says is there, compared with what is.

An environment has a hundred thousand files, and looking at them is most of what an inspection
costs; so this loop is written for speed.
"""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH110, PTH118

from __future__ import annotations

import csv
import os
import re
import sys
from typing import Any, Dict, List, Optional, Tuple

from envdoctor.child.inspection.folders import Folders, Listing, read_text

LISTED = 10
OPENMP_FILE = re.compile(r"(libiomp5|libomp|libgomp|vcomp).*\.(so|dylib|dll)(\.|$)")
# Two files of three, in nine folders of ten: only compilers read them, so they are not looked for.
HEADERS = "/include/"
# Nobody imports these: that they are there is enough.
UNWEIGHED = (".h", ".hpp", ".cuh", ".inc", ".pyi", ".proto", ".cmake", ".txt", ".md", ".html")
# A file system that takes `A` for `a` has other names than the RECORD.
FOLDS_NAMES = os.name == "nt" or sys.platform == "darwin"


class Owned:
    """The files of one distribution."""

    def __init__(self) -> None:
        self.hashes: Dict[str, str] = {}
        """By path, as the RECORD has it."""
        self.size_bytes = 0
        self.missing: List[str] = []
        self.resized: List[str] = []
        self.damaged_lines = 0
        self.extensions: List[Tuple[int, str]] = []
        """Size and full path of each extension module."""
        self.openmp: List[str] = []


class Records:
    """The files of all distributions of one folder, and who claims them."""

    def __init__(self, location: str, folders: Folders) -> None:
        self._location = location
        self._folders = folders
        self._owners: Dict[str, str] = {}
        self._claimed: Dict[str, Dict[str, str]] = {}

    def read(self, owner: str, metadata_folder: str) -> Owned:
        """Compare one RECORD with the folder; raises OSError if it cannot be read."""
        text = read_text(os.path.join(self._location, metadata_folder, "RECORD"))
        owned = Owned()
        own = metadata_folder + "/"
        last, listing = None, None
        for path, digest, size in _rows(text, owned):
            owned.hashes[path] = digest
            if HEADERS in path:
                owned.size_bytes += int(size or 0)
                continue
            head, _, name = path.rpartition("/")
            if head != last:
                last = head
                listing = None if head + "/" == own else self._listing(head)
            if listing is None:
                continue  # it cannot be read, or is the metadata itself, which installers rewrite
            entry = listing.get(name)
            if entry is None:
                if not (FOLDS_NAMES and os.path.exists(f"{self._location}/{path}")):
                    owned.missing.append(path)
            elif name.endswith(UNWEIGHED):
                owned.size_bytes += int(size or 0)
            else:
                _weigh(owned, path, entry, size)
        self._claimed[owner] = owned.hashes
        return owned

    def _listing(self, head: str) -> Optional[Listing]:
        return self._folders.listing(f"{self._location}/{head}")

    def clashes(self) -> List[Dict[str, Any]]:
        """Files that two claim with different content, and how many files the two share.

        Those that share equal files only, such as the empty `__init__.py` of a namespace, are no
        trouble to each other.
        """
        latest: Dict[str, str] = {}
        shared: Dict[Tuple[str, str], List[str]] = {}
        for owner, hashes in self._claimed.items():
            for path in latest.keys() & hashes.keys():
                shared.setdefault((latest[path], owner), []).append(path)
            latest.update(dict.fromkeys(hashes, owner))
        found = []
        for (one, other), paths in sorted(shared.items()):
            mine, theirs = self._claimed[one], self._claimed[other]
            differing = sorted(path for path in paths if mine[path] != theirs[path])
            if differing:
                owners = sorted((one, other))
                found.append({"owners": owners, "paths": differing[:LISTED], "count": len(paths)})
        return found


def _rows(text: str, owned: Owned) -> List[List[str]]:
    """The entries that matter: no byte code, and no commands, which installers rewrite."""
    if "\\" in text:
        text = text.replace("\\", "/")
    if "\0" in text:  # older readers of CSV refuse it, and it is in no name of a file
        text = text.replace("\0", "\n")
    if "\r" in text:
        text = text.replace("\r", "")
    lines = [line for line in text.split("\n") if line and ".pyc," not in line]
    # The reader of CSV takes three times as long, and a quote is rare.
    rows = list(csv.reader(lines)) if '"' in text else [line.rsplit(",", 2) for line in lines]
    sound = [row for row in rows if len(row) == 3 and row[0] and (row[2].isdigit() or not row[2])]
    owned.damaged_lines = len(rows) - len(sound)
    return [row for row in sound if not (row[0].startswith("..") and _is_command(row[0]))]


def _is_command(path: str) -> bool:
    return "/bin/" in path or "/Scripts/" in path


def _weigh(owned: Owned, path: str, entry: os.DirEntry[str], size: str) -> None:
    try:
        there = entry.stat().st_size
    except PermissionError:
        return
    except OSError:  # a link that leads nowhere, or in a circle
        owned.missing.append(path)
        return
    owned.size_bytes += there
    if size and int(size) != there:
        owned.resized.append(path)
    name = entry.name
    if "omp" in name and OPENMP_FILE.match(name):
        owned.openmp.append(entry.path)
    elif name.endswith((".so", ".pyd")) and not name.startswith("lib"):
        owned.extensions.append((there, entry.path))
