"""Every installed distribution: what its metadata says, and whether its files are there."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH113, PTH118, PTH119

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Tuple

from envdoctor.child.inspection.folders import Folders, read_text
from envdoctor.child.inspection.metadata import egg_requirements, name_in, normalise, read_headers
from envdoctor.child.inspection.records import LISTED, Owned, Records

Raw = Dict[str, Any]


class Installed:
    """What the folders of the path have installed in them."""

    def __init__(self) -> None:
        self.distributions: List[Raw] = []
        """In the order of the path; `requires` holds the lines of Requires-Dist as they stand."""
        self.clashes: List[Raw] = []
        self.leftovers: List[str] = []
        self.openmp: List[str] = []
        self.extensions: Dict[str, List[Tuple[int, str]]] = {}
        """Size and path of the extension modules of those that require NumPy."""


def installed(entries: List[str], folders: Folders) -> Installed:
    """Look through the folders of the path; one that is there twice counts once."""
    found = Installed()
    seen = set()
    for entry in entries:
        real = os.path.realpath(entry)
        if real not in seen:
            seen.add(real)
            _look_through(entry, folders, found)
    found.openmp = list(dict.fromkeys(found.openmp))
    return found


def _look_through(location: str, folders: Folders, found: Installed) -> None:
    names = folders.names(location)
    found.leftovers += [os.path.join(location, name) for name in names if name.startswith("~")]
    linked = {normalise(name[:-9]) for name in names if name.endswith(".egg-link")}
    records = Records(location, folders)
    for name in _metadata_folders(location, names):
        raw = _read(location, name)
        raw["editable"] = raw["editable"] or raw["name"] in linked
        if name.endswith(".dist-info"):
            _add_files(raw, name, records, found)
        found.distributions.append(raw)
    found.clashes += records.clashes()


def _metadata_folders(location: str, names: List[str]) -> List[str]:
    own = ("EGG-INFO",) if location.endswith(".egg") else ()
    suffixes = (".dist-info", ".egg-info", *own)
    return [name for name in names if name.endswith(suffixes) and not name.startswith("~")]


def _read(location: str, folder_name: str) -> Raw:
    folder = os.path.join(location, folder_name)
    if folder_name.endswith(".dist-info"):
        file = os.path.join(folder, "METADATA")
    elif os.path.isfile(folder):
        file = folder
    else:
        file = os.path.join(folder, "PKG-INFO")
    headers: Dict[str, List[str]] = {}
    broken = ""
    try:
        headers = read_headers(file)
    except FileNotFoundError:
        broken = f"{os.path.basename(file)} is missing"
    except OSError as error:
        broken = f"{os.path.basename(file)} cannot be read ({error.strerror})"
    name, version = _first(headers, "name"), _first(headers, "version")
    if not broken and not (name and version):
        broken = f"{os.path.basename(file)} names no {'version' if name else 'name'}"
    shown_name, shown_version = name_in(
        os.path.basename(location) if folder_name == "EGG-INFO" else folder_name
    )
    url, editable = _direct_url(folder)
    return {
        "name": normalise(name or shown_name),
        "version": version or shown_version,
        "location": location,
        "installer": _line(folder, "INSTALLER"),
        "direct_url": url,
        "editable": editable,
        "requires": headers.get("requires-dist") or egg_requirements(folder),
        "requires_python": _first(headers, "requires-python"),
        "broken": broken,
    }


def _first(headers: Dict[str, List[str]], key: str) -> str:
    return next(iter(headers.get(key, ())), "")


def _line(folder: str, name: str) -> str:
    try:
        return read_text(os.path.join(folder, name)).strip()
    except OSError:
        return ""


def _direct_url(folder: str) -> Tuple[str, bool]:
    """Where it was installed from, if not from an index, and whether it is editable."""
    try:
        said = json.loads(_line(folder, "direct_url.json"))
        return str(said.get("url", "")), bool(said.get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError, RecursionError):
        return "", False


def _add_files(raw: Raw, folder_name: str, records: Records, found: Installed) -> None:
    try:
        owned = records.read(raw["name"], folder_name)
    except FileNotFoundError:
        return  # distributors of systems leave it out on purpose
    except OSError as error:
        raw["broken"] = raw["broken"] or f"RECORD cannot be read ({error.strerror})"
        return
    if owned.damaged_lines:
        raw["broken"] = raw["broken"] or f"{owned.damaged_lines} lines of its RECORD are damaged"
    raw.update(
        files=len(owned.hashes),
        size_bytes=owned.size_bytes,
        missing=owned.missing[:LISTED],
        missing_count=len(owned.missing),
        # conda writes the path of the environment into files after their RECORD was made.
        resized=[] if raw["installer"] == "conda" else owned.resized[:LISTED],
    )
    _add_libraries(raw, owned, found)


def _add_libraries(raw: Raw, owned: Owned, found: Installed) -> None:
    found.openmp += owned.openmp
    wants_numpy = any(
        line.lower().startswith("numpy") and not line[5:6].isalnum() and line[5:6] not in {"-", "_"}
        for line in raw["requires"]
        if "extra" not in line
    )
    if wants_numpy and owned.extensions:
        found.extensions[raw["name"]] = owned.extensions
