"""Everything that the doctor knows of TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor_tensorflow import checks_gpu, checks_noise

if TYPE_CHECKING:
    from envdoctor.api import Check

CHECKS: tuple[Check, ...] = (*checks_gpu.CHECKS, *checks_noise.CHECKS)
