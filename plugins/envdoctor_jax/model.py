"""From a resolved workload to pure functions of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Mapping, Tuple

import jax

from envdoctor.child.contract import Unsupported
from envdoctor_jax.layers import ACTIVATIONS, LAYERS, Weights
from envdoctor_jax.losses import LOSSES

if TYPE_CHECKING:
    from envdoctor.child.contract import Workload

Restore = Callable[[Any], Weights]
Forward = Callable[[Any, jax.Array], jax.Array]
Objective = Callable[[Any, jax.Array, jax.Array, jax.Array], Tuple[jax.Array, jax.Array]]


def build_forward(workload: Workload, restore: Restore) -> Forward:
    """Compose the layers into one function of the kept weights and inputs.

    Raises:
        Unsupported: A layer or an activation is unknown here.
    """
    for layer in workload.layers:
        find(LAYERS, layer.kind, "layer")
        find(ACTIVATIONS, getattr(layer, "activation", "none"), "activation")

    def forward(kept: Any, x: jax.Array) -> jax.Array:
        weights = restore(kept)
        for layer in workload.layers:
            x = LAYERS[layer.kind](layer, weights, x)
        return x

    return forward


def build_objective(workload: Workload, restore: Restore) -> Objective:
    """Compose the gather of a batch, the forward pass and the loss; the outputs come along.

    Raises:
        Unsupported: A layer, an activation or the loss is unknown here.
    """
    forward = build_forward(workload, restore)
    measure = find(LOSSES, workload.loss, "loss")

    def objective(
        kept: Any, inputs: jax.Array, targets: jax.Array, rows: jax.Array
    ) -> Tuple[jax.Array, jax.Array]:
        outputs = forward(kept, inputs[rows])
        return measure(outputs, targets[rows]), outputs

    return objective


def find(table: Mapping[str, Any], name: str, what: str) -> Any:
    """The entry of a table. Raises Unsupported, naming what is missing."""
    if name not in table:
        raise Unsupported(f"the JAX backend knows no {what} {name}")
    return table[name]
