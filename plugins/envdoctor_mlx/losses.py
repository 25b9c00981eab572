"""The losses, as functions of the outputs and the targets of a batch."""

from __future__ import annotations

from typing import Callable, Dict

import mlx.core as mx
from mlx import nn

from envdoctor.child.contract import Unsupported

Loss = Callable[[mx.array, mx.array], mx.array]


def cross_entropy(outputs: mx.array, targets: mx.array) -> mx.array:
    """The mean over batch and steps of the negative log-softmax at the targets."""
    return nn.losses.cross_entropy(outputs, targets, reduction="mean")


def mean_squared_error(outputs: mx.array, targets: mx.array) -> mx.array:
    """The mean of the squared differences over all elements."""
    return nn.losses.mse_loss(outputs, targets, reduction="mean")


def inner_product(outputs: mx.array, targets: mx.array) -> mx.array:
    """The mean over the batch of `sum(outputs * targets)`."""
    return (outputs * targets).sum() / outputs.shape[0]


LOSSES: Dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "mean_squared_error": mean_squared_error,
    "inner_product": inner_product,
}


def find_loss(name: str) -> Loss:
    """The loss of that name. Raises Unsupported when there is none."""
    if name not in LOSSES:
        raise Unsupported(f"the MLX backend has no loss {name}")
    return LOSSES[name]
