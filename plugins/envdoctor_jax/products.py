"""The square product of JAX, for the practical peak."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Callable

import jax
import jax.numpy as jnp
from jax import lax

from envdoctor.child.products import random_matrices
from envdoctor_jax.devices import find_device

if TYPE_CHECKING:
    from envdoctor.child.contract import Setting


def make_product(size: int, setting: Setting) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the result."""
    left, right = jax.device_put(random_matrices(size), find_device(setting.device))
    product = jax.jit(partial(jnp.matmul, precision=lax.Precision.HIGHEST))

    def multiply() -> None:
        jax.block_until_ready(product(left, right))

    return multiply
