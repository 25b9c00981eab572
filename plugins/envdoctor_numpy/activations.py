"""The activations, each in place on the buffer that a dense layer or a convolution fills."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Dict, Iterator, Tuple, Type

import numpy as np

from envdoctor.child.contract import Unsupported
from envdoctor_numpy.erf import erf
from envdoctor_numpy.memory import empty, empty_like

if TYPE_CHECKING:
    from envdoctor.child.contract import Array

# Several passes over a block of this many values run in the second-level cache; over a whole
# activation of a transformer each pass would go to memory.
_BLOCK = 1 << 15


class Activation:
    """The identity, and what the others share: they own nothing but memory for the backward pass.

    Args:
        buffer: Contiguous memory that holds the pre-activation before `forward`, the activation
            after it, and must still hold it at `backward`.
    """

    def __init__(self, buffer: Array) -> None:
        self._values = buffer.reshape(-1)

    def forward(self) -> None:
        """Turn the pre-activation in the buffer into the activation."""

    def backward(self, gradient: Array) -> None:
        """Turn the gradient of the activation into that of the pre-activation, in place."""


class Relu(Activation):
    """The larger of x and 0, with the derivative 0 at 0."""

    def __init__(self, buffer: Array) -> None:
        super().__init__(buffer)
        self._buffer = buffer
        self._positive = empty(buffer.shape, np.bool_)

    def forward(self) -> None:
        """Keep what is positive."""
        np.maximum(self._values, 0, out=self._values)

    def backward(self, gradient: Array) -> None:
        """Pass the gradient on where the activation is positive."""
        np.greater(self._buffer, 0, out=self._positive)
        np.multiply(gradient, self._positive, out=gradient)


class _Smooth(Activation):
    """An activation that works out its derivative in the forward pass, while x is in the cache."""

    def __init__(self, buffer: Array) -> None:
        super().__init__(buffer)
        self._derivative = empty_like(buffer)
        self._scratch = empty((2, min(_BLOCK, buffer.size)), buffer.dtype)
        self._blocks = list(self._cut())

    def _cut(self) -> Iterator[Tuple[Array, Array, Array, Array]]:
        derivative = self._derivative.reshape(-1)
        for start in range(0, self._values.size, _BLOCK):
            x = self._values[start : start + _BLOCK]
            first, second = self._scratch[:, : x.size]
            yield x, derivative[start : start + _BLOCK], first, second

    def forward(self) -> None:
        """Apply the function block by block."""
        for block in self._blocks:
            self._apply(*block)

    def backward(self, gradient: Array) -> None:
        """Multiply by the derivative that the forward pass kept."""
        np.multiply(gradient, self._derivative, out=gradient)

    @staticmethod
    def _apply(x: Array, derivative: Array, *scratch: Array) -> None:
        """Replace x by its activation and set the derivative, with two blocks of scratch."""
        raise NotImplementedError


class Tanh(_Smooth):
    """The hyperbolic tangent."""

    @staticmethod
    def _apply(x: Array, derivative: Array, *_: Array) -> None:
        np.tanh(x, out=x)
        np.multiply(x, x, out=derivative)
        np.subtract(1, derivative, out=derivative)


class Sigmoid(_Smooth):
    """The logistic function, as (1 + tanh(x / 2)) / 2, which cannot overflow."""

    @staticmethod
    def _apply(x: Array, derivative: Array, *_: Array) -> None:
        x *= 0.5
        np.tanh(x, out=x)
        np.multiply(x, x, out=derivative)
        np.subtract(1, derivative, out=derivative)
        derivative *= 0.25
        x += 1
        x *= 0.5


class GeluTanh(_Smooth):
    """x * s with s = (1 + tanh(u)) / 2 and u = sqrt(2 / pi) * (x + 0.044715 * x**3).

    The derivative is s + x * (1 - tanh(u)**2) / 2 * u', which is s + 2 * x * s * (1 - s) * u'.
    """

    @staticmethod
    def _apply(x: Array, derivative: Array, *scratch: Array) -> None:
        linear = math.sqrt(2 / math.pi)
        cubic = 0.044715 * linear
        square, s = scratch
        np.multiply(x, x, out=square)
        np.multiply(square, cubic, out=s)
        s += linear
        s *= x
        np.tanh(s, out=s)
        s += 1
        s *= 0.5
        x *= s
        square *= 6 * cubic
        square += 2 * linear
        np.subtract(1, s, out=derivative)
        derivative *= square
        derivative *= x
        derivative += s


class GeluErf(_Smooth):
    """x * P with P = (1 + erf(x / sqrt(2))) / 2; the derivative is P + x * exp(-x**2 / 2) / c."""

    @staticmethod
    def _apply(x: Array, derivative: Array, *scratch: Array) -> None:
        density, cumulative = scratch
        np.multiply(x, math.sqrt(0.5), out=cumulative)
        erf(cumulative, out=cumulative)
        cumulative += 1
        cumulative *= 0.5
        np.multiply(x, x, out=density)
        density *= -0.5
        np.exp(density, out=density)
        density *= 1 / math.sqrt(2 * math.pi)
        np.multiply(x, density, out=derivative)
        derivative += cumulative
        x *= cumulative


_ACTIVATIONS: Dict[str, Type[Activation]] = {
    "none": Activation,
    "relu": Relu,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "gelu_tanh": GeluTanh,
    "gelu_erf": GeluErf,
}


def make_activation(name: str, buffer: Array) -> Activation:
    """The activation of this name on a buffer."""
    if name not in _ACTIVATIONS:
        raise Unsupported(f"activation {name} is not available in the numpy backend")
    return _ACTIVATIONS[name](buffer)
