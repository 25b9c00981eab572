"""The losses, as functions of the outputs and the targets of a batch; graph mode compiles them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict

from mindspore import ops

from envdoctor.child.contract import Unsupported

if TYPE_CHECKING:
    from mindspore import Tensor

Loss = Callable[["Tensor", "Tensor"], "Tensor"]


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over batch and steps of the negative log-softmax at the targets."""
    # (batch, steps, classes) to (batch * steps, classes)
    return ops.cross_entropy(outputs.reshape((-1, outputs.shape[-1])), targets.reshape((-1,)))


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over all elements of the squared difference."""
    return ops.mse_loss(outputs, targets)


def inner_product(outputs: Tensor, targets: Tensor) -> Tensor:
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
        raise Unsupported(f"the mindspore backend has no loss {name}")
    return LOSSES[name]
