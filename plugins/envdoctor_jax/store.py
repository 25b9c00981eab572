"""How the weights are kept on the device: by name, or as one vector where they are few."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, NamedTuple, Sequence

import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from envdoctor.child.layers import Layer

Tree = Any

# A step of the tiny networks is made of small operations, and one vector saves many of them: with
# one for each weight, a step of 26 thousand weights takes 1.18 times as long on the CPU, of 14
# thousand 1.06 times, of 62 thousand only 0.96 times.
MOST_WEIGHTS_IN_A_VECTOR = 2**15


class Store(NamedTuple):
    """The weights as they are kept, on the host, and the way back to their names.

    `restore` takes anything shaped like the kept weights, on the host or while tracing.
    """

    kept: Tree
    restore: Callable[[Tree], Dict[str, Any]]


def keep(weights: Mapping[str, np.ndarray], layers: Sequence[Layer]) -> Store:
    """Choose how to keep the weights of these layers.

    Never in a vector for an LSTM: its loop would read them out of it at each of its steps, with
    which a step of lstm-tiny takes 1.33 times as long.
    """
    size = sum(value.size for value in weights.values())
    loops = any(layer.kind == "lstm" for layer in layers)
    if loops or not 0 < size <= MOST_WEIGHTS_IN_A_VECTOR:
        return Store(dict(weights), dict)
    shapes = {name: value.shape for name, value in weights.items()}
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])

    def restore(vector: Any) -> Dict[str, Any]:
        # A split and not slices: its gradient is one concatenation, theirs a sum of padded vectors.
        split = np.split if isinstance(vector, np.ndarray) else jnp.split
        pieces = split(vector, ends[:-1])
        return {name: part.reshape(shapes[name]) for name, part in zip(shapes, pieces)}

    return Store(np.concatenate([value.ravel() for value in weights.values()]), restore)
