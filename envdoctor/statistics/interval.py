"""An interval of a ratio, symmetric in the logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log


@dataclass(frozen=True)
class Interval:
    """The ends between which a ratio lies."""

    low: float
    high: float

    @classmethod
    def around(cls, log_ratio: float, half_width: float) -> Interval:
        """The interval that reaches equally far to both sides of a logarithm."""
        return cls(exp(log_ratio - half_width), exp(log_ratio + half_width))

    @property
    def log_ratio(self) -> float:
        """The natural logarithm of the ratio in its middle."""
        return log(self.low * self.high) / 2

    @property
    def half_width(self) -> float:
        """How far it reaches to each side, in the natural logarithm: 0.02 is about 2 %."""
        return log(self.high / self.low) / 2
