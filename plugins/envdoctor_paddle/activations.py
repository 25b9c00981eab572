"""The activations by name."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict

from paddle import nn

from envdoctor.child.contract import Unsupported

ACTIVATIONS: Dict[str, Callable[[], Any]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "gelu_tanh": partial(nn.GELU, approximate=True),
    "gelu_erf": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def build_activation(name: str) -> Any:
    """The activation of that name. Raises Unsupported when there is none."""
    if name not in ACTIVATIONS:
        raise Unsupported(f"the paddle backend has no activation {name}")
    return ACTIVATIONS[name]()
