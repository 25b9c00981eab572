"""Parameters by canonical name, and the way between canonical layout and Paddle's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Mapping, Tuple

import numpy as np
import paddle

if TYPE_CHECKING:
    from envdoctor.child.contract import Array


@dataclass(frozen=True)
class Binding:
    """One canonical parameter: the tensor that holds it, with its axes in Paddle's order.

    Axis i of Paddle's parameter is axis `axes[i]` of the canonical one.
    """

    parameter: Any
    axes: Tuple[int, ...]

    def load(self, value: Array) -> None:
        """Overwrite Paddle's parameter with a canonical value, in float32."""
        self.parameter.set_value(np.array(value.transpose(self.axes), np.float32, order="C"))

    def to_canonical(self, value: Any) -> Array:
        """A copy, in canonical layout, of the parameter or of something shaped like it."""
        return np.array(value.numpy().transpose(np.argsort(self.axes)), order="C")

    def gradient(self) -> Array:
        """A copy of the gradient that a backward pass left; zeros where it did not come by."""
        found = self.parameter.grad
        return self.to_canonical(paddle.zeros_like(self.parameter) if found is None else found)


Bindings = Dict[str, Binding]


def bind_linear(name: str, linear: Any) -> Bindings:
    """Bind a linear layer; Paddle keeps its kernel as (in, out), as the contract does."""
    bindings = {f"{name}.kernel": Binding(linear.weight, (0, 1))}
    if linear.bias is not None:
        bindings[f"{name}.bias"] = Binding(linear.bias, (0,))
    return bindings


def bind_norm(name: str, norm: Any) -> Bindings:
    """Bind a layer norm."""
    return {
        f"{name}.scale": Binding(norm.weight, (0,)),
        f"{name}.offset": Binding(norm.bias, (0,)),
    }


def load(bindings: Mapping[str, Binding], weights: Mapping[str, Array]) -> None:
    """Overwrite every parameter with its canonical value."""
    for name, binding in bindings.items():
        binding.load(weights[name])
