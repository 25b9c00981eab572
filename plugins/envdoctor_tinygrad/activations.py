"""The activations by name."""

from __future__ import annotations

from typing import Callable, Dict

from tinygrad import Tensor, dtypes

from envdoctor.child.contract import Unsupported

Activation = Callable[[Tensor], Tensor]


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU by a hyperbolic tangent, which is tinygrad's own default."""
    return x.gelu(approximate="tanh")


def gelu_erf(x: Tensor) -> Tensor:
    """GELU by the error function. Raises Unsupported in float64."""
    if x.dtype == dtypes.float64:
        # Abramowitz and Stegun 7.1.26, which no precision of the arithmetic improves.
        raise Unsupported("tinygrad's erf is an approximation with errors of 1e-7: no fp64 of it")
    return x.gelu(approximate="none")


ACTIVATIONS: Dict[str, Activation] = {
    "none": lambda x: x,
    "relu": Tensor.relu,
    "gelu_tanh": gelu_tanh,
    "gelu_erf": gelu_erf,
    "sigmoid": Tensor.sigmoid,
    "tanh": Tensor.tanh,
}


def find_activation(name: str) -> Activation:
    """The activation of that name. Raises Unsupported when there is none."""
    if name not in ACTIVATIONS:
        raise Unsupported(f"the tinygrad backend has no activation {name}")
    return ACTIVATIONS[name]
