"""The square product of TensorFlow, for the practical peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import tensorflow as tf

from envdoctor.child.products import random_matrices
from envdoctor_tensorflow import devices

if TYPE_CHECKING:
    from envdoctor.child.contract import Setting


def make_product(size: int, setting: Setting) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the device."""
    left, right = (tf.convert_to_tensor(matrix) for matrix in random_matrices(size))
    product = tf.function(tf.linalg.matmul, jit_compile=setting.mode == "xla")

    def multiply() -> None:
        product(left, right)
        devices.wait()

    return multiply
