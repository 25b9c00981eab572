"""The packages that conda installed, from the names of its records."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH118

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Dict, List

from envdoctor.child.inspection.folders import Folders, read_text

if TYPE_CHECKING:
    from envdoctor.child.inspection.paths import Paths

CHANNEL = re.compile(r'"channel"\s*:\s*"([^"]*)"')


def conda_packages(paths: Paths, folders: Folders) -> List[Dict[str, str]]:
    """Empty outside of a conda environment."""
    folder = os.path.join(paths.prefix, "conda-meta")
    found = []
    for file in folders.names(folder):
        parts = file[: -len(".json")].rsplit("-", 2)
        if file.endswith(".json") and len(parts) == 3:
            name, version, build = parts
            channel = _channel(os.path.join(folder, file))
            found.append({"name": name, "version": version, "build": build, "channel": channel})
    return found


def _channel(path: str) -> str:
    try:
        said = CHANNEL.search(read_text(path))
    except OSError:
        return ""
    return said.group(1) if said else ""
