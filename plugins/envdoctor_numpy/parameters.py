"""All parameters of a model in one vector, their gradients in another, and views into both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, FrozenSet, Mapping, NamedTuple, Tuple

import numpy as np

from envdoctor_numpy.memory import LINE_BYTES, ones, zeros, zeros_like

if TYPE_CHECKING:
    from envdoctor.child.contract import Array


class Parameter(NamedTuple):
    """One parameter and the place for its gradient."""

    value: Array
    gradient: Array


class Running(NamedTuple):
    """What a batch norm has seen of each channel so far."""

    mean: Array
    variance: Array


class Parameters:
    """The parameters of a model, laid out so that an optimiser updates them in one sweep.

    `values` and `gradients` are flat vectors. Each parameter starts on a cache line; the gaps
    between them are zero and stay zero under every optimiser.

    Args:
        weights: The initial values, by canonical name.
        dtype: The type of values and gradients.
        muted: Names of parameters that a layer sees as zeros, and whose gradient stays zero.
    """

    def __init__(
        self, weights: Mapping[str, Array], dtype: Any, muted: FrozenSet[str] = frozenset()
    ) -> None:
        self.dtype = np.dtype(dtype)
        self._muted = muted
        places, size = _lay_out(weights, LINE_BYTES // self.dtype.itemsize)
        self.values = zeros(size, self.dtype)
        self.gradients = zeros(size, self.dtype)
        self._running: Dict[str, Running] = {}
        self._parameters: Dict[str, Parameter] = {}
        for name, place in places.items():
            shape = np.shape(weights[name])
            value = self.values[place].reshape(shape)
            value[...] = weights[name]
            self._parameters[name] = Parameter(value, self.gradients[place].reshape(shape))

    def __getitem__(self, name: str) -> Parameter:
        """The parameter as a layer is to see it."""
        if name in self._muted:
            nothing = zeros_like(self._parameters[name].value)
            return Parameter(nothing, zeros_like(nothing))
        return self._parameters[name]

    def running_statistics(self, name: str, channels: int) -> Running:
        """The running statistics of the layer of this name, the same for every network."""
        if name not in self._running:
            start = Running(zeros(channels, self.dtype), ones(channels, self.dtype))
            self._running[name] = start
        return self._running[name]

    def copy_values(self) -> Dict[str, Array]:
        """The present parameters, by canonical name."""
        return {name: value.copy() for name, (value, _) in self._parameters.items()}

    def copy_gradients(self) -> Dict[str, Array]:
        """The present gradients, by canonical name."""
        return {name: gradient.copy() for name, (_, gradient) in self._parameters.items()}


def _lay_out(weights: Mapping[str, Array], unit: int) -> Tuple[Dict[str, slice], int]:
    """Where each parameter lies, starting at multiples of a unit, and the length of the whole."""
    places, end = {}, 0
    for name, weight in weights.items():
        size = np.size(weight)
        places[name] = slice(end, end + size)
        end += -(-size // unit) * unit
    return places, end
