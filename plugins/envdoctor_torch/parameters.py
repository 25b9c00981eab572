"""Parameters by canonical name, and the way between canonical layout and torch's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, Mapping, Tuple

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from envdoctor.child.contract import Array


@dataclass(frozen=True)
class Binding:
    """One canonical parameter: the torch parameter that holds it, with its axes in torch's order.

    Axis i of the torch parameter is axis `axes[i]` of the canonical one.
    """

    parameter: nn.Parameter
    axes: Tuple[int, ...]

    def load(self, value: Array) -> None:
        """Overwrite the torch parameter with a canonical value."""
        native = torch.tensor(value.transpose(self.axes), dtype=self.parameter.dtype)
        with torch.no_grad():
            self.parameter.copy_(native)

    def to_canonical(self, value: torch.Tensor) -> Array:
        """A copy, in canonical layout, of the parameter or of something shaped like it."""
        native = value.detach().cpu().numpy()
        return np.array(native.transpose(np.argsort(self.axes)), order="C")


Bindings = Dict[str, Binding]


def bind_vector(name: str, parameter: nn.Parameter) -> Bindings:
    """Bind a vector."""
    return {name: Binding(parameter, (0,))}


def bind_table(name: str, parameter: nn.Parameter) -> Bindings:
    """Bind a table, which has the same layout everywhere."""
    return {name: Binding(parameter, (0, 1))}


def bind_linear(name: str, linear: nn.Linear) -> Bindings:
    """Bind a linear layer; torch keeps its kernel as (out, in)."""
    bindings = {f"{name}.kernel": Binding(linear.weight, (1, 0))}
    if linear.bias is not None:
        bindings.update(bind_vector(f"{name}.bias", linear.bias))
    return bindings


def bind_norm(name: str, norm: nn.Module) -> Bindings:
    """Bind a layer norm or a batch norm."""
    return {
        **bind_vector(f"{name}.scale", norm.weight),
        **bind_vector(f"{name}.offset", norm.bias),
    }


def load(bindings: Mapping[str, Binding], weights: Mapping[str, Array]) -> None:
    """Overwrite every parameter with its canonical value."""
    for name, binding in bindings.items():
        binding.load(weights[name])
