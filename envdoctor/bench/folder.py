"""The private folder of a run: code for the workers, arrays by their hash, logs."""

from __future__ import annotations

import itertools
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
        self._numbers = itertools.count(1)

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def store(self, arrays: Mapping[str, NDArray[Any]]) -> str:
        """The path of a file with these arrays; equal arrays share one file."""
        path = self.path / f"{hash_arrays(arrays)}.npz"
        if not path.exists():
            fresh = self.path / f"{next(self._numbers)}.part"
            with fresh.open("wb") as stream:
                named: Any = dict(arrays)
                np.savez(stream, **named)
            fresh.replace(path)  # another lane may be writing the same arrays
        return str(path)

    def remove(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what was stored, for what is read once and may be large."""
        (self.path / f"{hash_arrays(arrays)}.npz").unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        """A fresh log file."""
        return self.path / f"{next(self._numbers):04d}-{name}.log"

    def answer(self, name: str) -> Path:
        """Where a worker puts arrays that it was asked for."""
        return self.path / f"{next(self._numbers):04d}-{name}.npz"

    def temporary(self) -> Path:
        """Where workers and their compilers keep temporary files."""
        path = self.path / "temporary"
        path.mkdir(exist_ok=True)
        return path
