"""The activations by name."""

from __future__ import annotations

from typing import Callable, Dict

import mlx.core as mx
from mlx import nn

from envdoctor.child.contract import Unsupported

Activation = Callable[[mx.array], mx.array]

ACTIVATIONS: Dict[str, Activation] = {
    "none": nn.Identity(),
    "relu": nn.relu,
    "gelu_tanh": nn.gelu_approx,
    "gelu_erf": nn.gelu,
    "sigmoid": mx.sigmoid,
    "tanh": mx.tanh,
}


def find_activation(name: str) -> Activation:
    """The activation of that name. Raises Unsupported when there is none."""
    if name not in ACTIVATIONS:
        raise Unsupported(f"the MLX backend has no activation {name}")
    return ACTIVATIONS[name]
