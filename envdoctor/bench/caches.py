"""Where compilers keep what they have compiled: a folder of ours, whose content is known.

Only caches that are on by default are moved; what is off by default stays off, because a row
stands for what users get.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envdoctor.bench.plan import PlannedRow

VARIABLES: Mapping[str, str] = {
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "CUDA_CACHE_PATH": "cuda",
    "CACHEDB": "tinygrad.db",
}
"""Variables and what they name inside the folder (TorchInductor, Triton, CUDA's JIT, tinygrad)."""
HEADERS = "inductor-headers"
"""TorchInductor's precompiled headers, which no variable moves out of the temporary folder. Where
nothing is moved they lie beside its programs; without them a program that is found takes as long
again to start."""


class Caches:
    """The folder, and which programs are known to have been compiled into it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def variables(self) -> dict[str, str]:
        """What a worker must be told."""
        return {name: str(self._folder / place) for name, place in VARIABLES.items()}

    def link(self, temporary: Path) -> None:
        """Let what compilers keep in the temporary folder of a run be what is kept here."""
        headers = self._folder / HEADERS
        headers.mkdir(exist_ok=True)
        with suppress(OSError):  # where there are no links, they are compiled in every run
            (temporary / f"torchinductor_{_user()}").symlink_to(headers, target_is_directory=True)

    def state(self, row: PlannedRow, workload_sha256: str) -> str:
        """`warm` if this program was compiled before and kept in the folder, else `cold`."""
        kept = row.mode.keeps and self._mark(row, workload_sha256).exists()
        return "warm" if kept else "cold"

    def compiled(self, row: PlannedRow, workload_sha256: str) -> None:
        """Remember that this program lies in the folder now."""
        self._mark(row, workload_sha256).touch()

    def _mark(self, row: PlannedRow, workload_sha256: str) -> Path:
        named = [row.backend.name, row.mode.name, row.precision, row.device, workload_sha256]
        return self._folder / f"{_digest([*named, *sorted(row.versions.items())])}.compiled"


def kept_folder(base: Path, rows: Sequence[PlannedRow]) -> Path:
    """The folder that runs share, one for each set of versions."""
    versions = sorted({pair for row in rows for pair in row.versions.items()})
    return base / "compiled" / _digest(versions)


def _user() -> str:
    """As TorchInductor (torch._inductor.runtime.cache_dir_utils) writes the name of the user."""
    try:
        name = getpass.getuser()
    except (KeyError, ImportError, OSError):
        name = f"uid_{os.getuid()}" if hasattr(os, "getuid") else "unknown_user"
    return re.sub(r'[\\/:*?"<>|]', "_", name)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
