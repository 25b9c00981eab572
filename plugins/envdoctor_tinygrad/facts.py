"""What is installed of tinygrad, without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.child.package_files import package_folder
from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment


def collect(environment: Environment) -> Framework | None:
    """tinygrad, which is pure Python and says no more than its version; None if not installed."""
    distribution = environment.distributions.get("tinygrad")
    module = environment.modules.get("tinygrad", "")
    if distribution is None and not module:
        return None
    location = distribution.location if distribution is not None else ""
    return Framework(
        name="tinygrad",
        version=distribution.version if distribution is not None else "",
        location=package_folder(module, location, "tinygrad"),
    )
