"""Parameters by canonical name, and the way between canonical layout and MLX's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Mapping, Tuple

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

if TYPE_CHECKING:
    from mlx import nn

    from envdoctor.child.contract import Array


@dataclass(frozen=True)
class Place:
    """Where one canonical parameter lies in the tree of a module, with its axes in MLX's order.

    Axis i of the array at `path` is axis `axes[i]` of the canonical parameter.
    """

    path: str
    axes: Tuple[int, ...]

    def below(self, parent: str) -> Place:
        """The same place, seen from the module that has this one as its part `parent`."""
        return Place(f"{parent}.{self.path}", self.axes)


Places = Dict[str, Place]


def place_linear(name: str, *, bias: bool = True) -> Places:
    """The parameters of a linear layer; MLX keeps its kernel as (out, in)."""
    places = {f"{name}.kernel": Place("weight", (1, 0))}
    if bias:
        places[f"{name}.bias"] = Place("bias", (0,))
    return places


def place_norm(name: str) -> Places:
    """The parameters of a layer norm."""
    return {f"{name}.scale": Place("weight", (0,)), f"{name}.offset": Place("bias", (0,))}


def below(parent: str, places: Places) -> Places:
    """Those places, seen from the module that has theirs as its part `parent`."""
    return {name: place.below(parent) for name, place in places.items()}


def load(model: nn.Module, places: Places, weights: Mapping[str, Array]) -> None:
    """Overwrite every parameter with its canonical value; copies, in float32."""
    values = [
        (place.path, mx.array(np.array(weights[name].transpose(place.axes), np.float32)))
        for name, place in places.items()
    ]
    model.load_weights(values)
    mx.eval(model.parameters())


def read(tree: Any, places: Places) -> Dict[str, Array]:
    """Copies, by canonical name and in canonical layout, of parameters or of their gradients."""
    found = dict(tree_flatten(tree))
    return {
        name: np.array(np.array(found[place.path]).transpose(np.argsort(place.axes)), order="C")
        for name, place in places.items()
    }
