"""What is installed of Flax, without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment

PARTS = ("jax", "jaxlib", "optax", "orbax-checkpoint")


def collect(environment: Environment) -> Framework | None:
    """Flax and the versions of what it stands on; None if it is not installed.

    Details: `jax`, `jaxlib`, `optax`, `orbax-checkpoint`, each where it is installed.
    """
    version = environment.version_of("flax")
    if not version:
        return None
    details = {name: environment.version_of(name) for name in PARTS}
    return Framework(
        name="flax",
        version=version,
        details={name: text for name, text in details.items() if text},
    )
