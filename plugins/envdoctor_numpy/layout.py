"""How images lie in memory, and the steps between that and the canonical layout.

Convolutions and pooling work on (channels, height, width, batch): then whatever they slice, copy
or compare has an inner loop over a row of pixels of the whole batch, where in the canonical order
it would run over a few channels. Everything else works on the canonical (batch, ...).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envdoctor_numpy.layer import Layer
from envdoctor_numpy.memory import empty

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters


class ToBatchLast(Layer):
    """Shows (batch, height, width, channels) as (channels, height, width, batch)."""

    def forward(self, x: Array) -> Array:
        """Return a view."""
        return x.transpose(3, 1, 2, 0)

    def backward(self, gradient: Array) -> Array:
        """Return a view."""
        return gradient.transpose(3, 1, 2, 0)


class ToBatchFirst(Layer):
    """Copies (channels, height, width, batch) to (batch, height, width, channels)."""

    def __init__(self, image: layers.Shape, batch: int, parameters: Parameters) -> None:
        height, width, channels = image
        self._y = empty((batch, height, width, channels), parameters.dtype)
        self._dx = empty((channels, height, width, batch), parameters.dtype)

    def forward(self, x: Array) -> Array:
        """Copy, since matrix products want contiguous rows."""
        np.copyto(self._y, x.transpose(3, 1, 2, 0))
        return self._y

    def backward(self, gradient: Array) -> Array:
        """Copy, since activations want contiguous planes."""
        np.copyto(self._dx, gradient.transpose(3, 1, 2, 0))
        return self._dx


class Flatten(Layer):
    """Everything but the batch into one axis.

    Args:
        spec: The layer.
        batch: The rows of a batch.
        channels_first: Whether (channels, height, width) is flattened, and not the canonical order.
    """

    def __init__(
        self,
        spec: layers.Flatten,
        batch: int,
        _: Parameters,
        *,
        channels_first: bool = False,
    ) -> None:
        image = len(spec.input_shape) == 3
        self._order = (0, 3, 1, 2) if channels_first and image else None
        self._back = (0, 2, 3, 1)
        self._input_shape = (batch, *spec.input_shape)
        self._output_shape = (batch, *spec.output_shape)

    def forward(self, x: Array) -> Array:
        """Reshape."""
        if self._order is not None:
            x = x.transpose(self._order)
        return x.reshape(self._output_shape)

    def backward(self, gradient: Array) -> Array:
        """Reshape back."""
        if self._order is None:
            return gradient.reshape(self._input_shape)
        batch, height, width, channels = self._input_shape
        return gradient.reshape(batch, channels, height, width).transpose(self._back)
