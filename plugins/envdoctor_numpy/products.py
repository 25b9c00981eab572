"""The square product of NumPy, for the practical peak."""

from __future__ import annotations

from typing import Callable

import numpy as np

from envdoctor.child.products import random_matrices


def make_product(size: int) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) into memory of its own."""
    left, right = random_matrices(size)
    result = np.empty_like(left)

    def multiply() -> None:
        np.matmul(left, right, out=result)

    return multiply
