"""Everything that the doctor knows of PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor_torch import checks_driver, checks_use, checks_wheel

if TYPE_CHECKING:
    from envdoctor.api import Check

CHECKS: tuple[Check, ...] = (*checks_wheel.CHECKS, *checks_driver.CHECKS, *checks_use.CHECKS)
