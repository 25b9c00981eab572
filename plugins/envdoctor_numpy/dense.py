"""The dense layer, and the dense layer whose kernel is the table of an embedding."""

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


class Dense(Layer):
    """`activation(x @ kernel + bias)`, batch and steps taken together as the rows of one matrix."""

    def __init__(self, spec: layers.Dense, batch: int, parameters: Parameters) -> None:
        rows = batch * math.prod(spec.input_shape[:-1])
        width = spec.output_shape[-1]
        self._kernel = parameters[f"{spec.name}.kernel"]
        self._bias = parameters[f"{spec.name}.bias"] if spec.bias else None
        self._y = empty((rows, width), parameters.dtype)
        self._output = self._y.reshape(batch, *spec.output_shape)
        self._activation = make_activation(spec.activation, self._y)
        # A product with ones is the fastest sum over the rows that NumPy has.
        self._ones = ones(rows, parameters.dtype)
        self._dx = empty((rows, spec.input_shape[-1]), parameters.dtype)
        self._input_gradient = self._dx.reshape(batch, *spec.input_shape)
        self._x = self._dx
        self._slope = self._y

    def forward(self, x: Array) -> Array:
        """Multiply, add the bias and activate."""
        self._x = x.reshape(self._dx.shape)
        np.matmul(self._x, self._kernel.value, out=self._y)
        if self._bias is not None:
            np.add(self._y, self._bias.value, out=self._y)
        self._activation.forward()
        return self._output

    def learn(self, gradient: Array) -> None:
        """Set the gradients of kernel and bias."""
        self._slope = gradient.reshape(self._y.shape)
        self._activation.backward(self._slope)
        np.matmul(self._x.T, self._slope, out=self._kernel.gradient)
        if self._bias is not None:
            np.dot(self._ones, self._slope, out=self._bias.gradient)

    def backward(self, gradient: Array) -> Array:
        """Set the gradients and multiply back through the kernel."""
        self.learn(gradient)
        np.matmul(self._slope, self._kernel.value.T, out=self._dx)
        return self._input_gradient


class Unembedding(Layer):
    """`x @ table.T` with the table of an embedding.

    Args:
        spec: The layer.
        batch: The rows of a batch.
        parameters: The parameters of the model.
        accumulate: Whether a layer after this one has already set the gradient of the table.
    """

    def __init__(
        self, spec: layers.Unembedding, batch: int, parameters: Parameters, *, accumulate: bool
    ) -> None:
        rows = batch * math.prod(spec.input_shape[:-1])
        self._table = parameters[f"{spec.of}.table"]
        self._y = empty((rows, spec.output_shape[-1]), parameters.dtype)
        self._output = self._y.reshape(batch, *spec.output_shape)
        self._dx = empty((rows, spec.input_shape[-1]), parameters.dtype)
        self._input_gradient = self._dx.reshape(batch, *spec.input_shape)
        self._x = self._dx
        self._accumulate = accumulate

    def forward(self, x: Array) -> Array:
        """Multiply with the transposed table."""
        self._x = x.reshape(self._dx.shape)
        np.matmul(self._x, self._table.value.T, out=self._y)
        return self._output

    def backward(self, gradient: Array) -> Array:
        """Set or add to the gradient of the table, and multiply back through it."""
        slope = gradient.reshape(self._y.shape)
        if self._accumulate:
            np.add(self._table.gradient, slope.T @ self._x, out=self._table.gradient)
        else:
            np.matmul(slope.T, self._x, out=self._table.gradient)
        np.matmul(slope, self._table.value, out=self._dx)
        return self._input_gradient
