"""Between canonical parameters and the variables of Keras layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np

if TYPE_CHECKING:
    from envdoctor.child.contract import Array


@dataclass(frozen=True)
class Binding:
    """One canonical parameter and the variables that hold it.

    Several variables are equal parts of its last axis, in order, whatever the shape of each:
    attention keeps query, key and value apart, and each as (width, heads, head width).
    """

    shape: Tuple[int, ...]
    variables: Tuple[Any, ...]

    def split(self, value: Array) -> List[Array]:
        """The values of the variables, as copies."""
        pieces = np.split(value, len(self.variables), axis=-1)
        return [
            np.array(piece).reshape(tuple(variable.shape))
            for piece, variable in zip(pieces, self.variables)
        ]

    def join(self, values: Sequence[Array]) -> Array:
        """The canonical parameter, from values shaped like the variables."""
        shape = (*self.shape[:-1], self.shape[-1] // len(self.variables))
        return np.concatenate([np.reshape(value, shape) for value in values], axis=-1)


Bindings = Dict[str, Binding]


def bind(names: Mapping[str, Tuple[Any, ...]], weights: Mapping[str, Array]) -> Bindings:
    """Bind each canonical name to its variables; the shapes are those of the weights."""
    return {name: Binding(weights[name].shape, found) for name, found in names.items()}


def load(bindings: Bindings, weights: Mapping[str, Array]) -> None:
    """Give the variables the canonical weights."""
    for name, binding in bindings.items():
        for variable, value in zip(binding.variables, binding.split(weights[name])):
            variable.assign(value.astype(np.float32))


def by_name(
    bindings: Bindings, variables: Sequence[Any], values: Sequence[Array]
) -> Dict[str, Array]:
    """Canonical tensors from values in the order of `variables`: weights or gradients."""
    found = {id(variable): value for variable, value in zip(variables, values)}
    return {
        name: binding.join([found[id(variable)] for variable in binding.variables])
        for name, binding in bindings.items()
    }
