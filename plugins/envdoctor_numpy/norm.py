"""Layer normalisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from envdoctor_numpy.layer import Layer
from envdoctor_numpy.memory import empty, full, ones

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters


class LayerNorm(Layer):
    """Normalises the last axis with the biased variance, then scales and shifts it.

    Sums over either axis are products with a vector, which BLAS does several times faster than
    a reduction.

    Args:
        spec: The layer.
        batch: The rows of a batch.
        parameters: The parameters of the model.
        fast_variance: Whether the variance is E[x^2] - E[x]^2.
    """

    def __init__(
        self,
        spec: layers.LayerNorm,
        batch: int,
        parameters: Parameters,
        *,
        fast_variance: bool = False,
    ) -> None:
        rows, width = batch * math.prod(spec.input_shape[:-1]), spec.input_shape[-1]
        dtype = parameters.dtype
        self._epsilon = spec.epsilon
        self._fast_variance = fast_variance
        self._scale = parameters[f"{spec.name}.scale"]
        self._offset = parameters[f"{spec.name}.offset"]
        self._normal = empty((rows, width), dtype)
        self._y = empty((rows, width), dtype)
        self._output = self._y.reshape(batch, *spec.output_shape)
        self._dx = empty((rows, width), dtype)
        self._input_gradient = self._dx.reshape(batch, *spec.input_shape)
        self._mean = empty(rows, dtype)
        self._inverse = empty(rows, dtype)
        self._weights = full(width, 1 / width, dtype)
        self._mean_scale = empty(width, dtype)
        self._ones = ones(rows, dtype)

    def forward(self, x: Array) -> Array:
        """Normalise, scale and shift each row."""
        x = x.reshape(self._normal.shape)
        np.dot(x, self._weights, out=self._mean)
        np.subtract(x, self._mean[:, None], out=self._normal)
        self._measure_variance(x)
        np.add(self._inverse, self._epsilon, out=self._inverse)
        np.sqrt(self._inverse, out=self._inverse)
        np.reciprocal(self._inverse, out=self._inverse)
        np.multiply(self._normal, self._inverse[:, None], out=self._normal)
        np.multiply(self._normal, self._scale.value, out=self._y)
        np.add(self._y, self._offset.value, out=self._y)
        return self._output

    def _measure_variance(self, x: Array) -> None:
        """Set `_inverse` to the variance of each row."""
        deviation = x if self._fast_variance else self._normal
        np.einsum("ij,ij->i", deviation, deviation, out=self._inverse)
        np.multiply(self._inverse, 1 / x.shape[1], out=self._inverse)
        if self._fast_variance:
            np.subtract(self._inverse, self._mean * self._mean, out=self._inverse)

    def backward(self, gradient: Array) -> Array:
        """Set the gradients, and return inverse * (g - mean(g) - normal * mean(g * normal)).

        Here g is gradient * scale, and the means are over a row.
        """
        gradient = gradient.reshape(self._normal.shape)
        normal, dx, mean = self._normal, self._dx, self._mean
        np.multiply(self._scale.value, self._weights, out=self._mean_scale)
        np.dot(self._ones, gradient, out=self._offset.gradient)
        np.multiply(gradient, normal, out=dx)
        np.dot(self._ones, dx, out=self._scale.gradient)
        np.dot(dx, self._mean_scale, out=mean)
        np.multiply(normal, mean[:, None], out=normal)
        np.dot(gradient, self._mean_scale, out=mean)
        np.multiply(gradient, self._scale.value, out=dx)
        np.subtract(dx, mean[:, None], out=dx)
        np.subtract(dx, normal, out=dx)
        np.multiply(dx, self._inverse[:, None], out=dx)
        return self._input_gradient
