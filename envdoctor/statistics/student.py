"""Student's distribution: how far a mean may lie off when its spread is guessed from few values."""

from __future__ import annotations

from math import atan, cos, pi, sin, sqrt

BISECTIONS = 60
"""From the first bracket to the last digit of a float."""


def student_quantile(probability: float, freedom: int) -> float:
    """The value that Student's t stays below with this probability, from a half to below one.

    `freedom` is a whole number from 1. Found by bisection.
    """
    low, high = 0.0, 1.0
    while _distribution(high, freedom) < probability:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if _distribution(middle, freedom) < probability else (low, middle)
        )
    return (low + high) / 2


def _distribution(value: float, freedom: int) -> float:
    """Student's distribution for whole degrees of freedom, as finite sums.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = atan(value / sqrt(freedom))
    term = cos(angle) if freedom % 2 else 1.0
    total = 0.0
    for k in range(2 + freedom % 2, freedom + 1, 2):
        total += term
        term *= cos(angle) ** 2 * (k - 1) / k
    inside = (angle + sin(angle) * total) * 2 / pi if freedom % 2 else sin(angle) * total
    return 0.5 + inside / 2
