"""The losses, as functions of outputs and targets."""

from __future__ import annotations

from typing import Callable, Dict

import jax
import jax.numpy as jnp
import optax


def cross_entropy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Average the negative log-softmax of the outputs at the integer targets."""
    return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()


def mean_squared_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Average the squared difference over all elements."""
    return optax.squared_error(outputs, targets).mean()


def inner_product(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Average over the batch the products of outputs and targets."""
    return jnp.sum(outputs * targets) / outputs.shape[0]


LOSSES: Dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "cross_entropy": cross_entropy,
    "mean_squared_error": mean_squared_error,
    "inner_product": inner_product,
}
