"""The losses, as functions of the outputs and the targets of a batch."""

from __future__ import annotations

from typing import Any, Callable, Dict

from paddle.nn import functional

from envdoctor.child.contract import Unsupported

Loss = Callable[[Any, Any], Any]


def cross_entropy(outputs: Any, targets: Any) -> Any:
    """The mean over batch and steps of the negative log-softmax at the targets."""
    return functional.cross_entropy(outputs, targets)


def mean_squared_error(outputs: Any, targets: Any) -> Any:
    """The mean of the squared differences over all elements."""
    # A static graph takes the difference in the place of its first operand, and the outputs are
    # wanted afterwards (seen in 3.3.1).
    return functional.mse_loss(targets, outputs)


def inner_product(outputs: Any, targets: Any) -> Any:
    """The mean over the batch of `sum(outputs * targets)`."""
    return (outputs * targets).flatten(1).sum(1).mean()


LOSSES: Dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "mean_squared_error": mean_squared_error,
    "inner_product": inner_product,
}


def find_loss(name: str) -> Loss:
    """The loss of that name. Raises Unsupported when there is none."""
    if name not in LOSSES:
        raise Unsupported(f"the paddle backend has no loss {name}")
    return LOSSES[name]
