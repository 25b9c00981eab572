"""Extension modules that were built for NumPy 1 only, told from the names that they hold.

The headers of NumPy 2 write both names into what is built with them: the new one, and the old one
to fall back on. Those of NumPy 1 write the old one alone.
"""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH123

from __future__ import annotations

import mmap
from typing import Dict, List, Optional, Tuple

OLD_NAME = b"numpy.core._multiarray_umath"
NEW_NAME = b"numpy._core._multiarray_umath"
DISTRIBUTION_BYTES = 128_000_000
ALL_BYTES = 256_000_000


def built_for_numpy_one(modules: Dict[str, List[Tuple[int, str]]]) -> List[Dict[str, str]]:
    """One module of each distribution that cannot work with NumPy 2.

    A distribution is built with one NumPy, so its smallest module that speaks of NumPy tells.
    """
    found = []
    left = ALL_BYTES
    for name, candidates in sorted(modules.items()):
        spent = 0
        for size, path in sorted(candidates):
            if spent + size > min(DISTRIBUTION_BYTES, left):
                break
            spent += size
            verdict = _is_for_numpy_one(path)
            if verdict is not None:
                if verdict:
                    found.append({"distribution": name, "path": path})
                break
        left -= spent
    return found


def _is_for_numpy_one(path: str) -> Optional[bool]:
    """Whether a module names the old place only; None if it names neither."""
    try:
        with (
            open(path, "rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            if data.find(NEW_NAME) >= 0:
                return False
            return True if data.find(OLD_NAME) >= 0 else None
    except (OSError, ValueError):
        return None
