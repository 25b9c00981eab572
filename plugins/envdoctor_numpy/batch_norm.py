"""Batch normalisation, with the running statistics that evaluation uses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from envdoctor_numpy.activations import make_activation
from envdoctor_numpy.layer import Layer
from envdoctor_numpy.memory import empty, ones

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters


class BatchNorm(Layer):
    """Normalises each channel over the batch, then scales, shifts and activates it.

    All work is done on (channels, values): a row holds all that is normalised together. Images
    come so, as (channels, height, width, batch); vectors, (batch, channels), are transposed views.
    The running variance is the biased one, as everything else here.

    Args:
        spec: The layer.
        batch: The rows of a batch.
        parameters: The parameters of the model, and its running statistics.
        fast_variance: Whether the variance is E[x^2] - E[x]^2.
    """

    def __init__(
        self,
        spec: layers.BatchNorm,
        batch: int,
        parameters: Parameters,
        *,
        fast_variance: bool = False,
    ) -> None:
        *image, channels = spec.input_shape
        values, dtype = batch * math.prod(image), parameters.dtype
        self._epsilon, self._momentum = spec.epsilon, spec.momentum
        self._fast_variance = fast_variance
        self._scale = parameters[f"{spec.name}.scale"]
        self._offset = parameters[f"{spec.name}.offset"]
        self._running = parameters.running_statistics(spec.name, channels)
        self._is_image = bool(image)
        self._output_shape = (channels, *image, batch)
        self._normal = empty((channels, values), dtype)
        self._y = empty((channels, values), dtype)
        self._dx = empty((channels, values), dtype)
        self._mean = empty(channels, dtype)
        self._variance = empty(channels, dtype)
        self._inverse = empty(channels, dtype)
        self._ones = ones(values, dtype)
        self._activation = make_activation(spec.activation, self._y)

    def forward(self, x: Array) -> Array:
        """Normalise with the mean and the variance of this batch."""
        x = self._as_rows(x)
        share = 1 / len(self._ones)
        np.dot(x, self._ones, out=self._mean)
        np.multiply(self._mean, share, out=self._mean)
        np.subtract(x, self._mean[:, None], out=self._normal)
        deviation = x if self._fast_variance else self._normal
        np.einsum("ij,ij->i", deviation, deviation, out=self._variance)
        np.multiply(self._variance, share, out=self._variance)
        if self._fast_variance:
            np.subtract(self._variance, self._mean * self._mean, out=self._variance)
        return self._finish(self._variance)

    def evaluate(self, x: Array) -> Array:
        """Normalise with the running statistics."""
        np.subtract(self._as_rows(x), self._running.mean[:, None], out=self._normal)
        return self._finish(self._running.variance)

    def remember(self) -> None:
        """Renew the running statistics by those of the latest batch."""
        for running, latest in zip(self._running, (self._mean, self._variance)):
            np.add(self._momentum * running, (1 - self._momentum) * latest, out=running)

    def backward(self, gradient: Array) -> Array:
        """Set the gradients; return inverse * scale * (g - mean(g) - normal * mean(g * normal)).

        Here g is the gradient before activation, and the means are over a row.
        """
        slope = self._as_rows(gradient)
        self._activation.backward(slope)
        share = 1 / len(self._ones)
        np.dot(slope, self._ones, out=self._offset.gradient)
        np.einsum("ij,ij->i", slope, self._normal, out=self._scale.gradient)
        dx = self._dx
        np.multiply(self._normal, (self._scale.gradient * share)[:, None], out=dx)
        np.subtract(slope, dx, out=dx)
        np.subtract(dx, (self._offset.gradient * share)[:, None], out=dx)
        np.multiply(dx, (self._inverse * self._scale.value)[:, None], out=dx)
        return self._as_layer(dx)

    def _finish(self, variance: Array) -> Array:
        """Divide what is centred by the deviation, then scale, shift and activate it."""
        np.add(variance, self._epsilon, out=self._inverse)
        np.sqrt(self._inverse, out=self._inverse)
        np.reciprocal(self._inverse, out=self._inverse)
        np.multiply(self._normal, self._inverse[:, None], out=self._normal)
        np.multiply(self._normal, self._scale.value[:, None], out=self._y)
        np.add(self._y, self._offset.value[:, None], out=self._y)
        self._activation.forward()
        return self._as_layer(self._y)

    def _as_rows(self, values: Array) -> Array:
        return values.reshape(self._normal.shape) if self._is_image else values.T

    def _as_layer(self, rows: Array) -> Array:
        return rows.reshape(self._output_shape) if self._is_image else rows.T
