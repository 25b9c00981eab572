"""Which files that several distributions claim are a fault, and which are mere habit."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envdoctor.model.environment import Clash

CODE = frozenset({".py", ".so", ".pyd", ".dll", ".dylib"})
WITH_CODE = frozenset({".pyi", ".pxd", ".h", ".hpp", ".cuh", ".inc"})
"""Files that lie beside code. A clash lists few of its files, and these may come first."""
ANYWHERE = frozenset({"test", "tests", "doc", "docs", "example", "examples", "__pycache__", ".."})
AT_THE_TOP = frozenset(
    {"benchmark", "benchmarks", "bin", "etc", "include", "scripts", "share", "testing", "tools"}
)
"""Folders in which distributions drop files by mistake, or outside of the packages: nobody imports
what is overwritten there."""
MAJOR_SUFFIX = re.compile(r"-cu(\d\d)$")


def is_code(path: str) -> bool:
    """Whether a file is one that is imported or loaded, `libx.so.3` included."""
    return _is_one_of(CODE, path)


def overwritten(clash: Clash) -> tuple[str, ...]:
    """The files of a clash that tell of modules or libraries which overlap.

    A file called `__init__.py` alone is that of a namespace, which several may fill.
    """
    found = tuple(path for path in clash.paths if _is_one_of(CODE | WITH_CODE, path))
    namespace = all(PurePosixPath(path).name == "__init__.py" for path in found)
    return () if namespace else found


def is_fault(clash: Clash) -> bool:
    """Whether modules or libraries really overlap."""
    return bool(overwritten(clash))


def _is_one_of(suffixes: frozenset[str], path: str) -> bool:
    pure = PurePosixPath(path.replace("\\", "/"))
    folders = pure.parts[:-1]
    habit = ANYWHERE & set(folders) or AT_THE_TOP & set(folders[:1])
    return not habit and (pure.suffix in suffixes or ".so." in pure.name)


def is_mixed_cuda(clash: Clash) -> bool:
    """Whether the owners are one library of NVIDIA's for two CUDA majors."""
    names = {MAJOR_SUFFIX.sub("", owner) for owner in clash.owners}
    nvidia = all(owner.startswith("nvidia-") for owner in clash.owners)
    return nvidia and len(names) == 1 and is_fault(clash)


def is_pynvml(clash: Clash) -> bool:
    """Whether it is the module `pynvml`, which has a check of its own."""
    return set(clash.owners) == {"pynvml", "nvidia-ml-py"}
