"""Pooling and its reverse, on images that lie as (channels, height, width, batch)."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

import numpy as np

from envdoctor_numpy.layer import Layer
from envdoctor_numpy.memory import empty, empty_like, full, zeros

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters


class MaxPool2d(Layer):
    """The largest value of each window; its gradient goes to the first that is largest.

    The pixels are taken by their place in the window, in row-major order: each place is a strided
    view of the whole image, as large as the output. Padding is minus infinity, which is never the
    largest: a window holds a pixel at least.

    Args:
        spec: The layer.
        batch: The rows of a batch.
        parameters: The parameters of the model.
    """

    def __init__(self, spec: layers.MaxPool2d, batch: int, parameters: Parameters) -> None:
        rows, columns, channels = spec.output_shape
        height, width, _ = spec.input_shape
        edge = spec.padding
        padded = (channels, height + 2 * edge, width + 2 * edge, batch)
        inside = (slice(None), slice(edge, edge + height), slice(edge, edge + width))
        self._spec = spec
        self._padded = full(padded, -np.inf, parameters.dtype) if edge else None
        self._inside = inside
        self._x: List[Array] = []
        self._y = empty((channels, rows, columns, batch), parameters.dtype)
        self._largest = empty(self._y.shape, np.bool_)
        self._share = empty_like(self._y)
        self._dx = zeros(padded, parameters.dtype)
        self._dx_places = self._places(self._dx)
        # Where windows do not overlap, each pixel is written once, and those in none stay zero.
        self._overlap = spec.stride < spec.window

    def _places(self, image: Array) -> List[Array]:
        rows, columns, _ = self._spec.output_shape
        window, stride = self._spec.window, self._spec.stride
        down, right = stride * (rows - 1) + 1, stride * (columns - 1) + 1
        return [
            image[:, i : i + down : stride, j : j + right : stride]
            for i in range(window)
            for j in range(window)
        ]

    def forward(self, x: Array) -> Array:
        """Find the largest pixel of each window."""
        if self._padded is not None:
            np.copyto(self._padded[self._inside], x)
            x = self._padded
        self._x = self._places(x)
        np.copyto(self._y, self._x[0])
        for pixels in self._x[1:]:
            np.maximum(self._y, pixels, out=self._y)
        return self._y

    def backward(self, gradient: Array) -> Array:
        """Send the gradient of each window to its largest pixel."""
        if self._overlap:
            self._dx.fill(0)
        for place in range(len(self._x) - 1):
            # What goes to the first must not go to another one as well.
            np.subtract(gradient, self._send(gradient, place), out=gradient)
        last = self._dx_places[-1]
        if self._overlap:
            np.add(last, gradient, out=last)
        else:
            np.copyto(last, gradient)
        return self._dx[self._inside]

    def _send(self, gradient: Array, place: int) -> Array:
        """Give the gradient to the pixels at a place that are largest, and return what went."""
        dx = self._dx_places[place]
        share = self._share if self._overlap else dx
        np.equal(self._x[place], self._y, out=self._largest)
        np.multiply(gradient, self._largest, out=share)
        if self._overlap:
            np.add(dx, share, out=dx)
        return share


class GlobalAveragePool2d(Layer):
    """The mean over height and width: (channels, height, width, batch) to (batch, channels)."""

    def __init__(
        self, spec: layers.GlobalAveragePool2d, batch: int, parameters: Parameters
    ) -> None:
        height, width, channels = spec.input_shape
        self._pixels = height * width
        self._y = empty((channels, batch), parameters.dtype)
        self._dx = empty((channels, height, width, batch), parameters.dtype)

    def forward(self, x: Array) -> Array:
        """Average all pixels of an image."""
        np.add.reduce(x, axis=(1, 2), out=self._y)
        np.multiply(self._y, 1 / self._pixels, out=self._y)
        return self._y.T

    def backward(self, gradient: Array) -> Array:
        """Share the gradient between all pixels of an image."""
        np.multiply(gradient.T[:, None, None], 1 / self._pixels, out=self._dx)
        return self._dx


class Upsample2d(Layer):
    """Each pixel as a square of equal ones; its gradient is the sum over the square."""

    def __init__(self, spec: layers.Upsample2d, batch: int, parameters: Parameters) -> None:
        height, width, channels = spec.input_shape
        rows, columns, _ = spec.output_shape
        self._y = empty((channels, rows, columns, batch), parameters.dtype)
        squares = (channels, height, spec.factor, width, spec.factor, batch)
        self._squares = self._y.reshape(squares)
        self._dx = empty((channels, height, width, batch), parameters.dtype)

    def forward(self, x: Array) -> Array:
        """Copy each pixel to its square."""
        np.copyto(self._squares, x[:, :, None, :, None])
        return self._y

    def backward(self, gradient: Array) -> Array:
        """Sum over each square."""
        np.add.reduce(gradient.reshape(self._squares.shape), axis=(2, 4), out=self._dx)
        return self._dx
