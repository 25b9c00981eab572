"""The square product of Paddle, for the practical peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import paddle

from envdoctor.child.products import random_matrices
from envdoctor_paddle import devices

if TYPE_CHECKING:
    from envdoctor.child.contract import Setting


def make_product(size: int, setting: Setting) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the device."""
    left, right = (paddle.to_tensor(matrix) for matrix in random_matrices(size))

    def multiply() -> None:
        paddle.mm(left, right)
        devices.wait(setting.device)

    return multiply
