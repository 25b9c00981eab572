"""What is installed of MindSpore, without importing it."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.child.package_files import package_folder
from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment

NAMES = ("mindspore", "mindspore-ascend", "mindspore-gpu", "mindspore-dev")
"""Of its distributions."""
USER_OF_NUMPY = "lib/libmindspore_common.so"
"""The library that makes tensors of arrays; 11 MB."""
OLD_NAME = b"numpy.core._multiarray_umath"
NEW_NAME = b"numpy._core._multiarray_umath"
"""The headers of NumPy 1 write the old name into what is built with them, those of 2 write both."""


def collect(environment: Environment) -> Framework | None:
    """MindSpore; None if it is not installed.

    Details: `built for NumPy 1`, the library that can work with no newer one.
    """
    version = environment.version_of(*NAMES)
    module = environment.modules.get("mindspore", "")
    if not version and not module:
        return None
    found = [each for name in NAMES if (each := environment.distributions.get(name))]
    folder = package_folder(module, found[0].location if found else "", "mindspore")
    library = Path(folder, USER_OF_NUMPY)
    return Framework(
        name="mindspore",
        version=version,
        location=folder,
        details={"built for NumPy 1": str(library)} if _is_for_numpy_one(library) else {},
    )


def _is_for_numpy_one(library: Path) -> bool:
    try:
        with (
            library.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            return data.find(NEW_NAME) < 0 <= data.find(OLD_NAME)
    except (OSError, ValueError):  # missing, unreadable or empty
        return False
