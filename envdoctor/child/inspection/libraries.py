"""Shared libraries that more than one part of an environment may bring along."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH110, PTH112, PTH118

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, List

if TYPE_CHECKING:
    from envdoctor.child.inspection.folders import Folders
    from envdoctor.child.inspection.paths import Paths

OPENMP = ("libiomp5", "libomp.", "libgomp", "vcomp")
STDCXX = "libstdc++.so.6"


def openmp_runtimes(owned: List[str], paths: Paths, folders: Folders) -> List[str]:
    """Those that distributions brought, and those in the library folder of a conda environment."""
    found, prefix = list(owned), paths.prefix
    if os.path.isdir(os.path.join(prefix, "conda-meta")):
        folder = os.path.join(prefix, "Library", "bin") if os.name == "nt" else f"{prefix}/lib"
        found += [
            os.path.join(folder, name)
            for name in folders.names(folder)
            if name.startswith(OPENMP) and name.rpartition(".")[2] in {"so", "dylib", "dll"}
        ]
    return list(dict.fromkeys(found))


def standard_libraries(paths: Paths) -> List[str]:
    """Every libstdc++.so.6 that could win; the environment's own first, the system's last."""
    if sys.platform != "linux":
        return []
    named = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    multiarch = getattr(sys.implementation, "_multiarch", "")
    system = [f"/lib/{multiarch}", f"/usr/lib/{multiarch}"] if multiarch else []
    system += ["/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    candidates = [
        os.path.join(folder, STDCXX)
        for folder in [f"{paths.prefix}/lib", *named, *system]
        if folder
    ]
    # The real file has its version in its name: libstdc++.so.6.0.33.
    return list(
        dict.fromkeys(os.path.realpath(path) for path in candidates if os.path.exists(path))
    )
