"""Where top-level modules would come from, and what in the current folder takes their place."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH112, PTH113, PTH118, PTH208

from __future__ import annotations

import os
import sys
from importlib import machinery
from typing import Any, Dict, Iterable, List

# Python 3.9 has no list of its own.
_STANDARD = """
    argparse ast asyncio base64 bisect calendar cmd code collections contextlib copy csv ctypes
    dataclasses datetime decimal email enum fractions functools glob gzip hashlib heapq html http
    importlib inspect io ipaddress json keyword linecache logging lzma math multiprocessing numbers
    operator pathlib pickle pickletools platform profile queue random re secrets select shutil
    signal socket sqlite3 ssl statistics string struct subprocess tempfile textwrap threading
    token tokenize traceback types typing unittest urllib uuid warnings weakref xml zipfile
"""
STANDARD = frozenset(getattr(sys, "stdlib_module_names", _STANDARD.split()))
# Python has them before it looks into any folder, or nobody imports them.
_NEVER_SHADOWED = """
    abc codecs encodings genericpath io ntpath os posixpath runpy site stat
    antigravity idlelib lib2to3 test this turtledemo
"""
NEVER_SHADOWED = frozenset(_NEVER_SHADOWED.split())
SUFFIXES = tuple(machinery.all_suffixes())


def origins(names: Iterable[str]) -> Dict[str, str]:
    """The file of each module; a folder for a namespace; empty if it is nowhere."""
    return {name: _origin(name) for name in names}


def _origin(name: str) -> str:
    if name in sys.builtin_module_names:
        return "built-in"
    for finder in _finders():
        try:
            spec = finder.find_spec(name, None)
        except Exception:  # noqa: BLE001  a finder is the user's code
            spec = None
        if spec is not None:
            locations = spec.submodule_search_locations
            origin = spec.origin if spec.origin not in {None, "namespace"} else ""
            return origin or (next(iter(locations), "") if locations else "")
    return ""


def _finders() -> List[Any]:
    """That of the path, and those of editable installs. Others may import what they are asked."""
    editable = [
        finder
        for finder in sys.meta_path
        if str(getattr(finder, "__module__", "")).startswith("__editable__")
    ]
    return [machinery.PathFinder, *editable]


def shadows(folder: str, names: Dict[str, str]) -> List[Dict[str, Any]]:
    """What a script in a folder would import instead of the module that it means.

    Args:
        folder: the user's current one; empty for none.
        names: modules of frameworks, with where they would come from.
    """
    if not folder or os.environ.get("PYTHONSAFEPATH"):
        return []
    in_package = os.path.isfile(os.path.join(folder, "__init__.py"))
    found = []
    for entry in sorted(os.listdir(folder)):
        module = _module_of(folder, entry, names)
        path = os.path.join(folder, entry)
        if module and not _is_itself(path, names.get(module, "")):
            found.append({"module": module, "path": path, "in_package": in_package})
    return found


def _module_of(folder: str, entry: str, names: Dict[str, str]) -> str:
    """The module whose place a file or folder takes; empty if it takes none."""
    path = os.path.join(folder, entry)
    module = entry.partition(".")[0]
    if module in names:
        wanted = True
    else:
        wanted = module in STANDARD and module not in NEVER_SHADOWED
        wanted = wanted and module not in sys.builtin_module_names and not module.startswith("_")
    if not wanted:
        return ""
    if entry == module:
        if os.path.isfile(os.path.join(path, "__init__.py")):
            return module
        # A folder without it is what is left to import when the module is nowhere else.
        return module if names.get(module) == "" and os.path.isdir(path) else ""
    return module if entry[len(module) :] in SUFFIXES and os.path.isfile(path) else ""


def _is_itself(path: str, origin: str) -> bool:
    """Whether that is where the module comes from anyway: somebody works on the framework."""
    real, place = os.path.realpath(origin), os.path.realpath(path)
    return bool(origin) and (real == place or real.startswith(place + os.sep))
