"""The losses, as functions of outputs and targets."""

from __future__ import annotations

from typing import Callable, Dict

import jax
import jax.numpy as jnp


def cross_entropy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Average the negative log-softmax of the outputs at the integer targets."""
    # One-hot, because XLA fuses it, while the gradient of picking an element is a scatter.
    chosen = jax.nn.one_hot(targets, outputs.shape[-1], dtype=outputs.dtype)
    return -(chosen * jax.nn.log_softmax(outputs)).sum(axis=-1).mean()


def mean_squared_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Average the squared difference over all elements."""
    return jnp.square(outputs - targets).mean()


def inner_product(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Average over the batch the products of outputs and targets."""
    return (outputs * targets).sum() / outputs.shape[0]


LOSSES: Dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "cross_entropy": cross_entropy,
    "mean_squared_error": mean_squared_error,
    "inner_product": inner_product,
}
