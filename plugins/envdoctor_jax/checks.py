"""Everything that the doctor knows of JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor_jax import checks_gpu, checks_versions

if TYPE_CHECKING:
    from envdoctor.api import Check

CHECKS: tuple[Check, ...] = (*checks_gpu.CHECKS, *checks_versions.CHECKS)
