"""The losses, as functions of the outputs and the targets of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict

from envdoctor.child.contract import Unsupported

if TYPE_CHECKING:
    from tinygrad import Tensor

Loss = Callable[["Tensor", "Tensor"], "Tensor"]


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over batch and steps of the negative log-softmax at the targets."""
    # (batch, steps, classes) to (batch * steps, classes)
    return outputs.flatten(0, -2).cross_entropy(targets.flatten())


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over all elements of the squared difference."""
    return (outputs - targets).square().mean()


def inner_product(outputs: Tensor, targets: Tensor) -> Tensor:
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
        raise Unsupported(f"the tinygrad backend has no loss {name}")
    return LOSSES[name]
