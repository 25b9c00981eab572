"""The square product of MLX, for the practical peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import mlx.core as mx

from envdoctor.child.products import random_matrices

if TYPE_CHECKING:
    from envdoctor.child.contract import Setting


def make_product(size: int, _setting: Setting) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the result."""
    left, right = (mx.array(matrix) for matrix in random_matrices(size))

    def multiply() -> None:
        mx.eval(left @ right)

    return multiply
