"""The activations by name."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict

from mindspore import nn

from envdoctor.child.contract import Unsupported

ACTIVATIONS: Dict[str, Callable[[], nn.Cell]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "gelu_tanh": partial(nn.GELU, approximate=True),
    "gelu_erf": partial(nn.GELU, approximate=False),
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def build_activation(name: str) -> nn.Cell:
    """The activation of that name. Raises Unsupported when there is none."""
    if name not in ACTIVATIONS:
        raise Unsupported(f"the mindspore backend has no activation {name}")
    return ACTIVATIONS[name]()
