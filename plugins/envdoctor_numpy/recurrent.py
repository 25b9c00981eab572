"""The LSTM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Tuple

import numpy as np

from envdoctor_numpy.layer import Layer
from envdoctor_numpy.memory import empty, ones, zeros

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters

GATES = ("input", "forget", "cell", "output")


class Lstm(Layer):
    """All hidden states, (batch, steps, in) to (batch, steps, units), kept with the steps first.

    One product takes the inputs of all steps before the loop, and one makes each weight gradient
    after it. A sigmoid gate is (1 + tanh(z / 2)) / 2, so that all gates of a step are one tanh.

    Args:
        spec: The layer.
        batch: The rows of a batch.
        parameters: The parameters of the model.
        gates: The order in which the columns of the kernels are read.
        forget_bias: What is added to the forget gate's pre-activation.
    """

    def __init__(
        self,
        spec: layers.Lstm,
        batch: int,
        parameters: Parameters,
        *,
        gates: Tuple[str, ...] = GATES,
        forget_bias: float = 0.0,
    ) -> None:
        (steps, width), units, dtype = spec.input_shape, spec.output_shape[-1], parameters.dtype
        self._input_kernel = parameters[f"{spec.name}.input_kernel"]
        self._recurrent_kernel = parameters[f"{spec.name}.recurrent_kernel"]
        self._bias = parameters[f"{spec.name}.bias"]
        self._place = {gate: place for place, gate in enumerate(gates)}
        self._forget_bias = forget_bias
        # As factors and terms of a whole row of gates: act(z) = factor * tanh(factor * z) + term.
        factors = [1.0 if gate == "cell" else 0.5 for gate in gates]
        terms = [0.0 if gate == "cell" else 0.5 for gate in gates]
        self._factor = np.repeat(factors, units).astype(dtype)
        self._term = np.repeat(terms, units).astype(dtype)

        self._x = empty((steps, batch, width), dtype)
        # States are stored from the zeros before the first step on.
        self._hidden = zeros((steps + 1, batch, units), dtype)
        self._cell = zeros((steps + 1, batch, units), dtype)
        self._cell_tanh = empty((steps, batch, units), dtype)
        self._gates = empty((steps, batch, 4 * units), dtype)
        self._by_gate = self._gates.reshape(steps, batch, 4, units)
        self._product = empty((batch, 4 * units), dtype)
        self._state = empty((batch, units), dtype)
        # What dz holds at first: the derivative of cell or hidden state by each pre-activation.
        self._dz = empty((steps, batch, 4 * units), dtype)
        self._dz_by_gate = self._dz.reshape(steps, batch, 4, units)
        self._dcell_dhidden = empty((steps, batch, units), dtype)
        self._dhidden = empty((batch, units), dtype)
        self._dcell = empty((batch, units), dtype)
        self._dx = empty((steps * batch, width), dtype)
        self._ones = ones(steps * batch, dtype)

    def forward(self, x: Array) -> Array:
        """Run through all steps."""
        np.copyto(self._x, x.transpose(1, 0, 2))
        flat = self._gates.reshape(len(self._ones), -1)
        np.matmul(self._x.reshape(len(flat), -1), self._input_kernel.value, out=flat)
        np.add(flat, self._bias.value, out=flat)
        if self._forget_bias:
            self._by_gate[:, :, self._place["forget"]] += self._forget_bias
        for step in range(len(self._x)):
            self._advance(step)
        return self._hidden[1:].transpose(1, 0, 2)

    def _advance(self, step: int) -> None:
        """Work out one step: its gates, its cell state and its hidden state."""
        gates, cell = self._gates[step], self._cell[step + 1]
        np.matmul(self._hidden[step], self._recurrent_kernel.value, out=self._product)
        np.add(gates, self._product, out=gates)
        np.multiply(gates, self._factor, out=gates)
        np.tanh(gates, out=gates)
        np.multiply(gates, self._factor, out=gates)
        np.add(gates, self._term, out=gates)
        gate = {name: self._by_gate[step, :, place] for name, place in self._place.items()}
        np.multiply(gate["input"], gate["cell"], out=cell)
        np.multiply(gate["forget"], self._cell[step], out=self._state)
        np.add(cell, self._state, out=cell)
        np.tanh(cell, out=self._cell_tanh[step])
        np.multiply(gate["output"], self._cell_tanh[step], out=self._hidden[step + 1])

    def learn(self, gradient: Array) -> None:
        """Go back through all steps and set the gradients."""
        self._derive()
        self._dhidden.fill(0)
        self._dcell.fill(0)
        for step in reversed(range(len(self._x))):
            self._retreat(step, gradient[:, step])
        dz = self._dz.reshape(len(self._ones), -1)
        inputs, hidden = (part.reshape(len(dz), -1) for part in (self._x, self._hidden[:-1]))
        np.matmul(inputs.T, dz, out=self._input_kernel.gradient)
        np.matmul(hidden.T, dz, out=self._recurrent_kernel.gradient)
        np.dot(self._ones, dz, out=self._bias.gradient)

    def _derive(self) -> None:
        """Work out all derivatives that need no gradient, for all steps at once.

        With sigmoid' = s - s**2 and tanh' = 1 - t**2, `_dz` becomes the derivative of the cell
        state by the pre-activations of input, forget and cell gate, and of the hidden state by
        that of the output gate.
        """
        gate = {name: self._by_gate[:, :, place] for name, place in self._place.items()}
        slope = {name: self._dz_by_gate[:, :, place] for name, place in self._place.items()}
        np.multiply(self._gates, self._gates, out=self._dz)
        np.subtract(self._gates, self._dz, out=self._dz)
        np.multiply(gate["cell"], gate["cell"], out=slope["cell"])
        np.subtract(1, slope["cell"], out=slope["cell"])
        np.multiply(slope["cell"], gate["input"], out=slope["cell"])
        np.multiply(slope["input"], gate["cell"], out=slope["input"])
        np.multiply(slope["forget"], self._cell[:-1], out=slope["forget"])
        np.multiply(slope["output"], self._cell_tanh, out=slope["output"])
        np.multiply(self._cell_tanh, self._cell_tanh, out=self._dcell_dhidden)
        np.subtract(1, self._dcell_dhidden, out=self._dcell_dhidden)
        np.multiply(self._dcell_dhidden, gate["output"], out=self._dcell_dhidden)

    def _retreat(self, step: int, gradient: Array) -> None:
        """Take the gradient of the states back through one step."""
        slope = {name: self._dz_by_gate[step, :, place] for name, place in self._place.items()}
        np.add(self._dhidden, gradient, out=self._dhidden)
        np.multiply(self._dhidden, self._dcell_dhidden[step], out=self._state)
        np.add(self._dcell, self._state, out=self._dcell)
        for name in ("input", "forget", "cell"):
            np.multiply(slope[name], self._dcell, out=slope[name])
        np.multiply(slope["output"], self._dhidden, out=slope["output"])
        forget = self._by_gate[step, :, self._place["forget"]]
        np.multiply(self._dcell, forget, out=self._dcell)
        np.matmul(self._dz[step], self._recurrent_kernel.value.T, out=self._dhidden)

    def backward(self, gradient: Array) -> Array:
        """Set the gradients and multiply those of all steps back through the input kernel."""
        self.learn(gradient)
        np.matmul(self._dz.reshape(len(self._dx), -1), self._input_kernel.value.T, out=self._dx)
        return self._dx.reshape(self._x.shape).transpose(1, 0, 2)
