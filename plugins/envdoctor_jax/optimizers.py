"""The optimisers, each a pair of pure functions over the weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple, Tuple

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from envdoctor.child.contract import Optimizer

Tree = Any
State = Any


class Update(NamedTuple):
    """An optimiser of any tree of arrays: its first state, on the host, and one update.

    `apply` takes weights, state and gradients, and returns new weights and a new state.
    """

    begin: Callable[[Tree], State]
    apply: Callable[[Tree, State, Tree], Tuple[Tree, State]]


def sgd(optimizer: Optimizer) -> Update:
    """Descend along a velocity that outlives its gradient."""

    def begin(weights: Tree) -> State:
        return jax.tree.map(np.zeros_like, weights)

    def apply(weights: Tree, state: State, gradients: Tree) -> Tuple[Tree, State]:
        velocity = jax.tree.map(lambda v, g: optimizer.momentum * v + g, state, gradients)
        weights = jax.tree.map(lambda w, v: w - optimizer.learning_rate * v, weights, velocity)
        return weights, velocity

    return Update(begin, apply)


def adamw(optimizer: Optimizer) -> Update:
    """Descend along the mean of the gradients over the root of their mean square."""
    beta1, beta2 = optimizer.beta1, optimizer.beta2

    def begin(weights: Tree) -> State:
        zeros = jax.tree.map(np.zeros_like, weights)
        return np.zeros((), np.int32), zeros, jax.tree.map(np.copy, zeros)

    def apply(weights: Tree, state: State, gradients: Tree) -> Tuple[Tree, State]:
        count, mean, square = state
        count = count + 1
        mean = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, mean, gradients)
        square = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, square, gradients)
        mean_share = _bias_correction(beta1, count)
        square_share = _bias_correction(beta2, count)

        def descend(w: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
            slope = (m / mean_share) / (jnp.sqrt(v / square_share) + optimizer.epsilon)
            return w - optimizer.learning_rate * (slope + optimizer.weight_decay * w)

        return jax.tree.map(descend, weights, mean, square), (count, mean, square)

    return Update(begin, apply)


def _bias_correction(beta: float, count: jax.Array) -> jax.Array:
    """`1 - beta ** count`, without the cancellation that float32 suffers in the first steps."""
    return -jnp.expm1(count * (math.log(beta) if beta else -math.inf))


OPTIMIZERS: Dict[str, Callable[[Optimizer], Update]] = {"sgd": sgd, "adamw": adamw}
