"""What the files of an installed MLX say of it and of its backends, without importing it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.child.package_files import package_folder
from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment

BACKENDS = re.compile(r"mlx-(?:metal|cpu|cuda(?:-(\d+))?)$")
"""The distributions that bring the compiled library; `mlx` itself brings its Python side."""


def collect(environment: Environment) -> Framework | None:
    """MLX with its backends; None if it is not installed.

    `cuda` is the major version that the backend is for. Details: each backend by the name of its
    distribution, and `library`, the file that computes.
    """
    distribution = environment.distributions.get("mlx")
    if distribution is None:
        return None
    module = environment.modules.get("mlx", "")
    folder = Path(package_folder(module, distribution.location, "mlx"))
    found = {name: BACKENDS.match(name) for name in sorted(environment.distributions)}
    present = {name: match for name, match in found.items() if match}
    library = next((path for path in sorted(folder.glob("lib/libmlx.*"))), None)
    details = {name: environment.version_of(name) for name in present}
    if library is not None:
        details["library"] = str(library)
    return Framework(
        name="mlx",
        version=distribution.version,
        cuda=next((match[1] for match in present.values() if match[1]), None),
        location=str(folder),
        details=details,
    )
