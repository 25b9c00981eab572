"""The layers that make, mark and pick the steps of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

import numpy as np

from envdoctor.child import layers
from envdoctor_numpy.layer import Layer
from envdoctor_numpy.memory import empty, zeros

if TYPE_CHECKING:
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters


class Patches(Layer):
    """Cuts (batch, height, width, channels) into (batch, patches, size * size * channels)."""

    def __init__(self, spec: layers.Patches, batch: int, parameters: Parameters) -> None:
        height, width, channels = spec.input_shape
        rows, columns, size = height // spec.size, width // spec.size, spec.size
        self._used = (slice(None), slice(rows * size), slice(columns * size))
        self._grid = (batch, rows, size, columns, size, channels)
        self._y = empty((batch, *spec.output_shape), parameters.dtype)
        self._dx = zeros((batch, *spec.input_shape), parameters.dtype)

    def forward(self, x: Array) -> Array:
        """Cut the images."""
        pixels = x[self._used].reshape(self._grid).transpose(0, 1, 3, 2, 4, 5)
        np.copyto(self._y.reshape(pixels.shape), pixels)
        return self._y

    def backward(self, gradient: Array) -> Array:
        """Put the patches of the gradient back in place."""
        batch, rows, size, columns, _, channels = self._grid
        pixels = gradient.reshape(batch, rows, columns, size, size, channels)
        image = pixels.transpose(0, 1, 3, 2, 4, 5)
        inside = self._dx[self._used]
        np.copyto(inside, image.reshape(inside.shape))
        return self._dx


class ClassToken(Layer):
    """Puts one learned vector before the sequence."""

    def __init__(self, spec: layers.ClassToken, batch: int, parameters: Parameters) -> None:
        self._token = parameters[f"{spec.name}.token"]
        self._y = empty((batch, *spec.output_shape), parameters.dtype)

    def forward(self, x: Array) -> Array:
        """Put the token before the steps."""
        self._y[:, 0] = self._token.value
        self._y[:, 1:] = x
        return self._y

    def backward(self, gradient: Array) -> Array:
        """Split the gradient between the token and the steps."""
        np.add.reduce(gradient[:, 0], axis=0, out=self._token.gradient)
        return gradient[:, 1:]


class Embedding(Layer):
    """A row of the table for each symbol: (batch, steps) to (batch, steps, width).

    Args:
        spec: The layer.
        batch: The rows of a batch.
        parameters: The parameters of the model.
        accumulate: Whether a layer after this one has already set the gradient of the table.
    """

    def __init__(
        self, spec: layers.Embedding, batch: int, parameters: Parameters, *, accumulate: bool
    ) -> None:
        self._table = parameters[f"{spec.name}.table"]
        self._y = empty((batch, *spec.output_shape), parameters.dtype)
        self._symbols = empty((batch, *spec.input_shape), np.intp)
        self._accumulate = accumulate

    def forward(self, x: Array) -> Array:
        """Look up each symbol."""
        self._symbols = x
        # Any mode but the default writes to `out` directly; the symbols were checked when staged.
        np.take(self._table.value, x, axis=0, out=self._y, mode="clip")
        return self._y

    def learn(self, gradient: Array) -> None:
        """Add up the gradients of equal symbols, brought together by sorting."""
        if not self._accumulate:
            self._table.gradient.fill(0)
        symbols = self._symbols.reshape(-1)
        order = np.argsort(symbols, kind="stable")
        present, first = np.unique(symbols[order], return_index=True)
        rows = gradient.reshape(symbols.size, -1)[order]
        self._table.gradient[present] += np.add.reduceat(rows, first, axis=0)

    def backward(self, gradient: Array) -> Array:
        """Symbols have no gradient: nothing can learn before an embedding."""
        self.learn(gradient)
        return gradient


class PositionEmbedding(Layer):
    """Adds a learned vector to each step."""

    def __init__(self, spec: layers.PositionEmbedding, batch: int, parameters: Parameters) -> None:
        self._table = parameters[f"{spec.name}.table"]
        self._y = empty((batch, *spec.output_shape), parameters.dtype)

    def forward(self, x: Array) -> Array:
        """Add the table to each sequence."""
        np.add(x, self._table.value, out=self._y)
        return self._y

    def backward(self, gradient: Array) -> Array:
        """Sum the gradient over the batch, and pass it on."""
        np.add.reduce(gradient, axis=0, out=self._table.gradient)
        return gradient


class PickStep(Layer):
    """The first or the last step of a sequence: (batch, steps, width) to (batch, width)."""

    def __init__(
        self, spec: Union[layers.FirstStep, layers.LastStep], batch: int, parameters: Parameters
    ) -> None:
        self._step = 0 if isinstance(spec, layers.FirstStep) else spec.input_shape[0] - 1
        self._dx = empty((batch, *spec.input_shape), parameters.dtype)

    def forward(self, x: Array) -> Array:
        """Return a view of the step."""
        return x[:, self._step]

    def backward(self, gradient: Array) -> Array:
        """Give the whole gradient to the step."""
        self._dx.fill(0)
        self._dx[:, self._step] = gradient
        return self._dx


class MeanOverSteps(Layer):
    """The mean over the steps of a sequence: (batch, steps, width) to (batch, width)."""

    def __init__(self, spec: layers.MeanOverSteps, batch: int, parameters: Parameters) -> None:
        self._steps = spec.input_shape[0]
        self._y = empty((batch, *spec.output_shape), parameters.dtype)
        self._dx = empty((batch, *spec.input_shape), parameters.dtype)

    def forward(self, x: Array) -> Array:
        """Average all steps."""
        np.add.reduce(x, axis=1, out=self._y)
        np.multiply(self._y, 1 / self._steps, out=self._y)
        return self._y

    def backward(self, gradient: Array) -> Array:
        """Share the gradient between all steps."""
        np.multiply(gradient[:, None], 1 / self._steps, out=self._dx)
        return self._dx
