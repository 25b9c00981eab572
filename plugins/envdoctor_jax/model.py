"""From a resolved workload to pure functions of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Mapping, Tuple

import jax

from envdoctor.child.contract import Unsupported
from envdoctor_jax.batch_norm import NORMALISED, BatchMoments, Moments, Statistics
from envdoctor_jax.layers import ACTIVATIONS, LAYERS, Weights
from envdoctor_jax.losses import LOSSES
from envdoctor_jax.precision import STRICT, Policy

if TYPE_CHECKING:
    from envdoctor.child.contract import Workload

Restore = Callable[[Any], Weights]
Forward = Callable[[Any, jax.Array, Moments], jax.Array]
Objective = Callable[
    [Any, jax.Array, jax.Array, jax.Array], Tuple[jax.Array, Tuple[jax.Array, Statistics]]
]


def build_forward(workload: Workload, restore: Restore, policy: Policy = STRICT) -> Forward:
    """Compose the layers into one function of kept weights, inputs and moments of batch norms.

    Raises:
        Unsupported: A layer or an activation is unknown here.
    """
    for layer in workload.layers:
        find({**LAYERS, **NORMALISED}, layer.kind, "layer")
        find(ACTIVATIONS, getattr(layer, "activation", "none"), "activation")

    def forward(kept: Any, x: jax.Array, moments: Moments) -> jax.Array:
        weights, x = restore(policy.lower(kept)), policy.lower(x)
        for layer in workload.layers:
            if layer.kind in NORMALISED:
                x = NORMALISED[layer.kind](layer, weights, x, moments)
            else:
                x = LAYERS[layer.kind](layer, weights, x)
        return policy.widen(x)

    return forward


def build_objective(workload: Workload, restore: Restore, policy: Policy = STRICT) -> Objective:
    """Compose the gather of a batch, the forward pass and the loss.

    The outputs come along, and the moments of the batch that every batch norm has seen.

    Raises:
        Unsupported: A layer, an activation or the loss is unknown here.
    """
    forward = build_forward(workload, restore, policy)
    measure = find(LOSSES, workload.loss, "loss")

    def objective(
        kept: Any, inputs: jax.Array, targets: jax.Array, rows: jax.Array
    ) -> Tuple[jax.Array, Tuple[jax.Array, Statistics]]:
        moments = BatchMoments(jax.tree.leaves(kept)[0].dtype)
        outputs = forward(kept, inputs[rows], moments)
        return measure(outputs, targets[rows]), (outputs, moments.latest)

    return objective


def build_gradient(objective: Objective, policy: Policy = STRICT) -> Callable[..., Any]:
    """Differentiate by the kept weights, whatever the scale is.

    The function returns ((loss, what comes along), gradients).
    """
    scale = policy.scale
    if scale is None:
        return jax.value_and_grad(objective, has_aux=True)

    def scaled(
        kept: Any, inputs: jax.Array, targets: jax.Array, rows: jax.Array
    ) -> Tuple[jax.Array, Tuple[jax.Array, Any]]:
        loss, along = objective(kept, inputs, targets, rows)
        return loss * scale, (loss, along)

    def differentiate(*arguments: Any) -> Tuple[Tuple[jax.Array, Any], Any]:
        (_, found), gradients = jax.value_and_grad(scaled, has_aux=True)(*arguments)
        return found, jax.tree.map(lambda gradient: gradient / scale, gradients)

    return differentiate


def find(table: Mapping[str, Any], name: str, what: str) -> Any:
    """The entry of a table. Raises Unsupported, naming what is missing."""
    if name not in table:
        raise Unsupported(f"the JAX backend knows no {what} {name}")
    return table[name]
