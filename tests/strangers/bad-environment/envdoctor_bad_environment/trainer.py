"""Never reached."""

from __future__ import annotations

from envdoctor_numpy.trainer import Trainer

__all__ = ["Trainer"]
