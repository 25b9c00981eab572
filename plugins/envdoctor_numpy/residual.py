"""The residual block of ResNets, on images that lie as (channels, height, width, batch)."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional

import numpy as np

from envdoctor_numpy.activations import make_activation
from envdoctor_numpy.batch_norm import BatchNorm
from envdoctor_numpy.convolution import Conv2d
from envdoctor_numpy.layer import Layer
from envdoctor_numpy.memory import empty

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters


class ResidualBlock(Layer):
    """`activation(branch(x) + shortcut(x))`.

    Args:
        spec: The layer.
        batch: The rows of a batch.
        parameters: The parameters of the model, and its running statistics.
        same: Whether padding is TensorFlow's SAME where the stride is 2 or more.
        fast_variance: Whether the variance is E[x^2] - E[x]^2.
    """

    def __init__(
        self,
        spec: layers.ResidualBlock,
        batch: int,
        parameters: Parameters,
        *,
        same: bool = False,
        fast_variance: bool = False,
    ) -> None:
        def build(part: layers.ConvNorm) -> List[Layer]:
            conv, norm = part
            return [
                Conv2d(conv, batch, parameters, same=same),
                BatchNorm(norm, batch, parameters, fast_variance=fast_variance),
            ]

        rows, columns, wide = spec.output_shape
        self._branch = [layer for part in spec.branch() for layer in build(part)]
        projection = spec.projection()
        self._projection = build(projection) if projection is not None else None
        self._stride = spec.stride
        self._y = empty((wide, rows, columns, batch), parameters.dtype)
        self._activation = make_activation(spec.activation, self._y)
        self._slope: Optional[Array] = None

    def forward(self, x: Array) -> Array:
        """Add branch and shortcut, and activate the sum."""
        y, shortcut = x, x
        for layer in self._branch:
            y = layer.forward(y)
        for layer in self._projection or ():
            shortcut = layer.forward(shortcut)
        return self._join(y, shortcut)

    def evaluate(self, x: Array) -> Array:
        """Do the same with the running statistics."""
        y, shortcut = x, x
        for layer in self._branch:
            y = layer.evaluate(y)
        for layer in self._projection or ():
            shortcut = layer.evaluate(shortcut)
        return self._join(y, shortcut)

    def remember(self) -> None:
        """Renew the running statistics of all norms."""
        for layer in (*self._branch, *(self._projection or ())):
            layer.remember()

    def backward(self, gradient: Array) -> Array:
        """Add what comes back through the branch to what comes back through the shortcut."""
        self._activation.backward(gradient)
        slope = gradient
        # The last norm of a branch activates nothing: it leaves the gradient as it is.
        for layer in reversed(self._branch):
            slope = layer.backward(slope)
        if self._projection is None:
            pixels = slope[:, :: self._stride, :: self._stride]
            np.add(pixels, gradient[: len(slope)], out=pixels)
            return slope
        for layer in reversed(self._projection):
            gradient = layer.backward(gradient)
        return np.add(slope, gradient, out=slope)

    def _join(self, y: Array, shortcut: Array) -> Array:
        """Add the shortcut, of which the last channels may be missing: they are zero."""
        if self._projection is None:
            shortcut = shortcut[:, :: self._stride, :: self._stride]
        channels = len(shortcut)
        np.add(y[:channels], shortcut, out=self._y[:channels])
        np.copyto(self._y[channels:], y[channels:])
        self._activation.forward()
        return self._y
