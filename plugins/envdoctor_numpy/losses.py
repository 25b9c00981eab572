"""The losses, each with its gradient with respect to the outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Type

import numpy as np

from envdoctor.child.contract import Unsupported
from envdoctor_numpy.memory import empty, empty_like, ones

if TYPE_CHECKING:
    from envdoctor.child.contract import Array
    from envdoctor.child.layers import Shape


class Loss:
    """A loss of outputs of one shape.

    Args:
        shape: The shape of the outputs, batch first.
        dtype: The type of the outputs.
        factor: What loss and gradient are multiplied by.
        smoothing: The share of the target that is spread over all classes.
    """

    def __init__(self, shape: Shape, dtype: Any, *, factor: float, smoothing: float) -> None:
        self._shape = shape
        self._factor = factor
        self._smoothing = smoothing
        self._gradient = empty(shape, dtype)

    def differentiate(self, outputs: Array, targets: Array) -> tuple[Any, Array]:
        """The loss, as a NumPy scalar, and its gradient, which lives until the next call."""
        raise NotImplementedError


class CrossEntropy(Loss):
    """The mean of the negative log-softmax at the integer targets, over all but the last axis."""

    def __init__(self, shape: Shape, dtype: Any, *, factor: float, smoothing: float) -> None:
        super().__init__(shape, dtype, factor=factor, smoothing=smoothing)
        self._slope = self._gradient.reshape(-1, shape[-1])
        rows = len(self._slope)
        self._shifted = empty_like(self._slope)
        self._row = empty(rows, dtype)
        self._starts = np.arange(rows, dtype=np.intp) * shape[-1]
        self._places = empty(rows, np.intp)
        self._ones = ones(shape[-1], dtype)

    def differentiate(self, outputs: Array, targets: Array) -> tuple[Any, Array]:
        """The loss, and (softmax - target) / rows."""
        shifted, slope, row = self._shifted, self._slope, self._row
        logits = outputs.reshape(slope.shape)
        np.maximum.reduce(logits, axis=1, out=row)
        np.subtract(logits, row[:, None], out=shifted)
        np.exp(shifted, out=slope)
        np.dot(slope, self._ones, out=row)
        share = self._factor / len(row)
        np.multiply(slope, (share / row)[:, None], out=slope)
        np.log(row, out=row)
        np.add(self._starts, targets.reshape(-1), out=self._places)
        row -= (1 - self._smoothing) * shifted.reshape(-1)[self._places]
        slope.reshape(-1)[self._places] -= share * (1 - self._smoothing)
        if self._smoothing:
            spread = self._smoothing / slope.shape[1]
            row -= spread * np.dot(shifted, self._ones)
            slope -= share * spread
        return np.add.reduce(row) * share, self._gradient


class MeanSquaredError(Loss):
    """The mean of (outputs - targets)**2 over all elements."""

    def differentiate(self, outputs: Array, targets: Array) -> tuple[Any, Array]:
        """The loss, and 2 * (outputs - targets) / size."""
        gradient = self._gradient
        np.subtract(outputs, targets, out=gradient)
        loss = np.vdot(gradient, gradient) * (self._factor / gradient.size)
        np.multiply(gradient, 2 * self._factor / gradient.size, out=gradient)
        return loss, gradient


class InnerProduct(Loss):
    """The mean over the batch of sum(outputs * targets): its gradient is the targets' share."""

    def differentiate(self, outputs: Array, targets: Array) -> tuple[Any, Array]:
        """The loss, and targets / batch."""
        share = self._factor / self._shape[0]
        np.multiply(targets, share, out=self._gradient)
        return np.vdot(outputs, targets) * share, self._gradient


_LOSSES: Dict[str, Type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "mean_squared_error": MeanSquaredError,
    "inner_product": InnerProduct,
}


def make_loss(
    name: str, shape: Shape, dtype: Any, *, factor: float = 1.0, smoothing: float = 0.0
) -> Loss:
    """The loss of this name for outputs of a shape, batch first."""
    if name not in _LOSSES:
        raise Unsupported(f"loss {name} is not available in the numpy backend")
    return _LOSSES[name](shape, dtype, factor=factor, smoothing=smoothing)
