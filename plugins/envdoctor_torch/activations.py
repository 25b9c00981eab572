"""The activations by name."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict

from torch import nn

from envdoctor.child.contract import Unsupported

ACTIVATIONS: Dict[str, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "gelu_tanh": partial(nn.GELU, approximate="tanh"),
    "gelu_erf": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def build_activation(name: str) -> nn.Module:
    """The activation of that name. Raises Unsupported when there is none."""
    if name not in ACTIVATIONS:
        raise Unsupported(f"the torch backend has no activation {name}")
    return ACTIVATIONS[name]()
