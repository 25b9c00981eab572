"""The pre-norm transformer block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envdoctor.child import layers
from envdoctor_numpy.attention import Attention
from envdoctor_numpy.dense import Dense
from envdoctor_numpy.layer import Layer
from envdoctor_numpy.norm import LayerNorm

if TYPE_CHECKING:
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters


class TransformerBlock(Layer):
    """`x += projection(attention(norm(x)))`, then `x += contract(act(expand(norm(x))))`."""

    def __init__(
        self,
        spec: layers.TransformerBlock,
        batch: int,
        parameters: Parameters,
        *,
        strict_mask: bool = False,
        fast_variance: bool = False,
    ) -> None:
        width = spec.input_shape[-1]

        def norm(name: str) -> LayerNorm:
            shape = spec.input_shape
            part = layers.LayerNorm(f"{spec.name}.{name}", shape, shape, spec.epsilon)
            return LayerNorm(part, batch, parameters, fast_variance=fast_variance)

        def dense(name: str, wide: int, into: int, activation: str = "none") -> Dense:
            steps = spec.input_shape[0]
            name = f"{spec.name}.{name}"
            part = layers.Dense(name, (steps, wide), (steps, into), activation, bias=True)
            return Dense(part, batch, parameters)

        self._attend = (
            norm("attention_norm"),
            dense("qkv", width, 3 * width),
            Attention(spec, batch, parameters, strict_mask=strict_mask),
            dense("projection", width, width),
        )
        self._think = (
            norm("mlp_norm"),
            dense("expand", width, spec.hidden, spec.activation),
            dense("contract", spec.hidden, width),
        )

    def forward(self, x: Array) -> Array:
        """Add what each branch makes of its input to that input."""
        for branch in (self._attend, self._think):
            y = x
            for layer in branch:
                y = layer.forward(y)
            # The last layer of a branch is linear: it will not need its output again.
            x = np.add(x, y, out=y)
        return x

    def backward(self, gradient: Array) -> Array:
        """Add what comes back through each branch to what comes past it."""
        for branch in (self._think, self._attend):
            slope = gradient
            # The last layer of a branch is linear: it leaves the gradient as it is.
            for layer in reversed(branch):
                slope = layer.backward(slope)
            gradient = np.add(gradient, slope, out=slope)
        return gradient
