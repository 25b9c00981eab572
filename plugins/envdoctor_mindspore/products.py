"""The square product of MindSpore, for the practical peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import mindspore
from mindspore import ops

from envdoctor.child.products import random_matrices
from envdoctor_mindspore import devices

if TYPE_CHECKING:
    from envdoctor.child.contract import Setting


def make_product(size: int, _setting: Setting) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the device."""
    left, right = (mindspore.Tensor(matrix) for matrix in random_matrices(size))

    def multiply() -> None:
        ops.matmul(left, right)
        devices.wait()

    return multiply
