"""Two-dimensional convolution as one matrix product over all windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Tuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from envdoctor_numpy.activations import make_activation
from envdoctor_numpy.layer import Layer
from envdoctor_numpy.memory import empty, ones, zeros

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters

# Columns of a product at a time. Given all of them, BLAS goes through memory once for packing and
# once for the product, which the few rows of a kernel do not pay for.
_PIECE = 1 << 11


class Conv2d(Layer):
    """Cross-correlation of (channels, height, width, batch) with zero padding.

    The windows of the padded input become the columns of a matrix whose rows are ordered like
    those of the kernel, (kernel height, kernel width, channels); `windows` is a view of the padded
    input in that order, so that one copy makes the matrix.

    Args:
        spec: The layer.
        batch: The rows of a batch.
        parameters: The parameters of the model.
        same: Whether padding is TensorFlow's SAME where the stride is 2 or more.
    """

    def __init__(
        self, spec: layers.Conv2d, batch: int, parameters: Parameters, *, same: bool = False
    ) -> None:
        height, width, channels = spec.input_shape
        rows, columns, filters = spec.output_shape
        size, stride, dtype = spec.kernel, spec.stride, parameters.dtype
        (top, bottom), (left, right) = _paddings(spec, same=same)
        padded = (channels, height + top + bottom, width + left + right, batch)
        inside = (slice(None), slice(top, top + height), slice(left, left + width))

        kernel = parameters[f"{spec.name}.kernel"]
        self._kernel = kernel.value.reshape(-1, filters)
        self._kernel_gradient = kernel.gradient.reshape(-1, filters)
        self._bias = parameters[f"{spec.name}.bias"] if spec.bias else None

        self._padded = zeros(padded, dtype)
        self._inside = self._padded[inside]
        self._windows = _windows(self._padded, size, stride)[:, :, :, :rows, :columns]
        self._patches = empty(self._windows.shape, dtype)
        self._columns = self._patches.reshape(size * size * channels, rows * columns * batch)
        self._y = empty((filters, rows * columns * batch), dtype)
        self._pieces = [
            (self._columns[:, start : start + _PIECE], self._y[:, start : start + _PIECE])
            for start in range(0, self._y.shape[1], _PIECE)
        ]
        self._output = self._y.reshape(filters, rows, columns, batch)
        self._activation = make_activation(spec.activation, self._y)
        self._ones = ones(self._y.shape[1], dtype)
        self._slope = self._y
        self._dpadded = zeros(padded, dtype)
        self._input_gradient = self._dpadded[inside]
        self._scatter = list(_pairs(self._dpadded, self._patches, stride))

    def forward(self, x: Array) -> Array:
        """Correlate the images with the kernels."""
        np.copyto(self._inside, x)
        np.copyto(self._patches, self._windows)
        for columns, y in self._pieces:
            np.matmul(self._kernel.T, columns, out=y)
        if self._bias is not None:
            np.add(self._y, self._bias.value[:, None], out=self._y)
        self._activation.forward()
        return self._output

    def learn(self, gradient: Array) -> None:
        """Set the gradients of kernel and bias."""
        self._slope = gradient.reshape(self._y.shape)
        self._activation.backward(self._slope)
        np.matmul(self._columns, self._slope.T, out=self._kernel_gradient)
        if self._bias is not None:
            np.dot(self._slope, self._ones, out=self._bias.gradient)

    def backward(self, gradient: Array) -> Array:
        """Set the gradients, and sum the input's over all windows that a pixel is in."""
        self.learn(gradient)
        # The patches have served: their memory takes the gradient of the patches.
        np.matmul(self._kernel, self._slope, out=self._columns)
        self._dpadded.fill(0)
        for pixels, patches in self._scatter:
            np.add(pixels, patches, out=pixels)
        return self._input_gradient


def _windows(padded: Array, size: int, stride: int) -> Array:
    """All windows as a view: (size, size, channels, rows, columns, batch)."""
    windows = sliding_window_view(padded, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].transpose(4, 5, 0, 1, 2, 3)


def _pairs(padded: Array, patches: Array, stride: int) -> Iterator[Tuple[Array, Array]]:
    """For each place in the kernel, the pixels that it met, and what the patches hold of them."""
    size, _, _, rows, columns, _ = patches.shape
    for i in range(size):
        for j in range(size):
            pixels = padded[:, i : i + stride * rows : stride, j : j + stride * columns : stride]
            yield pixels[:, :rows, :columns], patches[i, j]


def _paddings(spec: layers.Conv2d, *, same: bool) -> Tuple[Tuple[int, int], Tuple[int, int]]:
    """The padding before and after, in each direction."""
    explicit = (spec.padding, spec.padding)
    if not same or spec.stride < 2:
        return explicit, explicit
    return _same_padding(spec, axis=0), _same_padding(spec, axis=1)


def _same_padding(spec: layers.Conv2d, axis: int) -> Tuple[int, int]:
    """TensorFlow's SAME for one direction, or the explicit padding where the sizes forbid it."""
    before, after = spec.input_shape[axis], spec.output_shape[axis]
    if after != -(-before // spec.stride):
        return spec.padding, spec.padding
    total = max((after - 1) * spec.stride + spec.kernel - before, 0)
    return total // 2, total - total // 2
