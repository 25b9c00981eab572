"""The private folder of a run: code for the workers, arrays by their hash, logs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.target.code import CodeFolder
from envdoctor.workload.prepare import hash_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class RunFolder:
    """A temporary folder; a context manager that removes it, whatever is in it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="envdoctor-"))
        self.code = CodeFolder(self.path / "code")
        self._logs = 0

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def store(self, arrays: Mapping[str, NDArray[Any]]) -> str:
        """The path of a file with these arrays; equal arrays share one file."""
        path = self.path / f"{hash_arrays(arrays)}.npz"
        if not path.exists():
            with path.open("wb") as stream:
                named: Any = dict(arrays)
                np.savez(stream, **named)
        return str(path)

    def log(self, name: str) -> Path:
        """A fresh log file."""
        self._logs += 1
        return self.path / f"{self._logs:03d}-{name}.log"

    def answer(self, name: str) -> Path:
        """Where a worker puts arrays that it was asked for."""
        return self.path / f"answer-{name}.npz"

    def cache(self) -> Path:
        """Where workers and their compilers keep temporary files: empty when the run begins.

        One folder for all, so that what a compiler prepares once for a machine (it precompiles
        its headers and tries out instruction sets) is not paid by every row again.
        """
        path = self.path / "cache"
        path.mkdir(exist_ok=True)
        return path
