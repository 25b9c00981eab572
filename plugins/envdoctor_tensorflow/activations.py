"""Activations by name, written so that no constant is rounded to float32 on the way."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict

import tensorflow as tf

from envdoctor.child.contract import Unsupported

Activation = Callable[[Any], Any]

_CUBIC = 0.044715


def _gelu_tanh(x: Any) -> Any:
    """GELU in its tanh form, `x * sigmoid(2 * u)`, which equals `x * (1 + tanh(u)) / 2`.

    tf.nn.gelu rounds its constants to float32 whatever the type of x: wrong by 1e-9 in float64.
    """
    slope = 2.0 * math.sqrt(2.0 / math.pi)
    return x * tf.sigmoid(x * (slope + slope * _CUBIC * tf.square(x)))


def _gelu_erf(x: Any) -> Any:
    """GELU in its exact form; not tf.nn.gelu, for the reason that stands at the tanh form."""
    return x * (0.5 + 0.5 * tf.math.erf(x * math.sqrt(0.5)))


_ACTIVATIONS: Dict[str, Activation] = {
    "none": lambda x: x,
    "relu": tf.nn.relu,
    "gelu_tanh": _gelu_tanh,
    "gelu_erf": _gelu_erf,
    "sigmoid": tf.sigmoid,
    "tanh": tf.tanh,
}


def require_known(name: str) -> None:
    """Raise Unsupported for an activation that is not there."""
    if name not in _ACTIVATIONS:
        raise Unsupported(f"activation {name} is not available")


def activate(name: str, x: Any) -> Any:
    """Apply the activation called `name`."""
    require_known(name)
    return _ACTIVATIONS[name](x)
