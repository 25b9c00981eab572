"""What the files of an installed PaddlePaddle say of its build, without importing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.child.package_files import constants, package_folder
from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment

DISTRIBUTIONS = ("paddlepaddle", "paddlepaddle-gpu", "paddlepaddle-xpu", "paddlepaddle-dcu")
"""All of them bring the module `paddle`; a distribution of that name is something else."""


def collect(environment: Environment) -> Framework | None:
    """PaddlePaddle, from the text of `paddle/version/__init__.py`; None if it is not installed.

    Details: `distributions`, the names of all that bring it, and `commit`.
    """
    present = [name for name in DISTRIBUTIONS if name in environment.distributions]
    if not present:
        return None
    distribution = environment.distributions[present[0]]
    module = environment.modules.get("paddle", "")
    folder = Path(package_folder(module, distribution.location, "paddle"))
    said = constants(str(folder / "version" / "__init__.py"))
    details = {"distributions": " ".join(present), "commit": str(said.get("commit") or "")}
    return Framework(
        name="paddle",
        version=str(said.get("full_version") or distribution.version),
        cuda=_built_with(said.get("cuda_version")),
        cudnn=_built_with(said.get("cudnn_version")),
        rocm=_built_with(said.get("hip_version")),
        location=str(folder),
        details={key: text for key, text in details.items() if text},
    )


def _built_with(said: object) -> str | None:
    """The version; Paddle writes 'False' where it was built without."""
    return None if said in (None, "", "False", "0") else str(said)
