"""The private folder: copies of the code that a worker imports, and nothing else of ours."""

from __future__ import annotations

import importlib.util
import shutil
import threading
from pathlib import Path

import envdoctor.child
from envdoctor.errors import IncompleteError

_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")
START = "start_worker.py"


class CodeFolder:
    """A folder that goes first on a worker's path.

    It holds `envdoctor/child`, beside a bare `envdoctor/__init__.py`, and the package of each
    trainer that was added; so the target needs no envdoctor, and cannot import the rest of it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._added: set[str] = set()
        self._lock = threading.Lock()
        package = folder / "envdoctor"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text('"""Only the child code is here."""\n')
        source = Path(envdoctor.child.__file__).parent
        shutil.copytree(source, package / "child", ignore=_IGNORED)
        shutil.copy(source / "start.py", folder / START)

    def add(self, trainer: str) -> None:
        """Copy the top-level package or module of `package.module:Class` into the folder.

        Raises:
            IncompleteError: there is no such package, or it does not lie in plain files.
        """
        with self._lock:
            source = locate(trainer)
            if str(source) in self._added:
                return
            if source.is_dir():
                shutil.copytree(source, self.folder / source.name, ignore=_IGNORED)
            else:
                shutil.copy(source, self.folder / source.name)
            self._added.add(str(source))


def locate(trainer: str) -> Path:
    """The top-level package or module of `package.module:Class`; finding it imports nothing.

    Raises:
        IncompleteError: there is no such package, or it does not lie in plain files.
    """
    top = trainer.partition(":")[0].partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None:
        raise IncompleteError(f"the trainer package `{top}` cannot be found.")
    if spec.submodule_search_locations:
        found = Path(next(iter(spec.submodule_search_locations)))
    else:
        found = Path(spec.origin or "")
    if not found.exists() or not spec.origin:
        raise IncompleteError(
            f"the trainer package `{top}` does not lie in plain files.",
            "Install its plugin unzipped, with an __init__.py.",
        )
    return found
