"""Parameters by canonical name, and the way between canonical layout and MindSpore's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Mapping, Tuple

import mindspore
import numpy as np

if TYPE_CHECKING:
    from envdoctor.child.contract import Array


@dataclass(frozen=True)
class Binding:
    """One canonical parameter: the MindSpore parameter that holds it, with its axes in its order.

    Axis i of the MindSpore parameter is axis `axes[i]` of the canonical one.
    """

    parameter: mindspore.Parameter
    axes: Tuple[int, ...]

    def load(self, value: Array) -> None:
        """Overwrite the MindSpore parameter with a canonical value."""
        native = np.array(value.transpose(self.axes), np.float32, order="C")
        self.parameter.set_data(mindspore.Tensor(native))

    def to_canonical(self, value: Any) -> Array:
        """A copy, in canonical layout, of the parameter or of something shaped like it."""
        return np.array(value.asnumpy().transpose(np.argsort(self.axes)), order="C")


Bindings = Dict[str, Binding]


def bind_vector(name: str, parameter: mindspore.Parameter) -> Bindings:
    """Bind a vector."""
    return {name: Binding(parameter, (0,))}


def bind_table(name: str, parameter: mindspore.Parameter) -> Bindings:
    """Bind a table, which has the same layout everywhere."""
    return {name: Binding(parameter, (0, 1))}


def bind_dense(name: str, dense: mindspore.nn.Dense) -> Bindings:
    """Bind a dense layer; MindSpore keeps its kernel as (out, in)."""
    bindings = {f"{name}.kernel": Binding(dense.weight, (1, 0))}
    if dense.has_bias:
        bindings.update(bind_vector(f"{name}.bias", dense.bias))
    return bindings


def bind_norm(name: str, norm: mindspore.nn.LayerNorm) -> Bindings:
    """Bind a layer norm."""
    return {
        **bind_vector(f"{name}.scale", norm.gamma),
        **bind_vector(f"{name}.offset", norm.beta),
    }


def load(bindings: Mapping[str, Binding], weights: Mapping[str, Array]) -> None:
    """Overwrite every parameter with its canonical value."""
    for name, binding in bindings.items():
        binding.load(weights[name])
