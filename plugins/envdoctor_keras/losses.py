"""Losses by name, as `compile` takes them."""

from __future__ import annotations

from typing import Any, Callable, Dict

import keras
from keras import ops

from envdoctor.child.contract import Unsupported


def _inner_product(targets: Any, outputs: Any) -> Any:
    """One value a sample, (batch,); Keras takes the mean."""
    return ops.sum(outputs * targets, axis=tuple(range(1, len(outputs.shape))))


_LOSSES: Dict[str, Callable[[], Any]] = {
    "cross_entropy": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "mean_squared_error": keras.losses.MeanSquaredError,
    "inner_product": lambda: _inner_product,
}


def find_loss(name: str) -> Any:
    """The loss called `name`; raises Unsupported for an unknown one."""
    if name not in _LOSSES:
        raise Unsupported(f"loss {name} is not available")
    return _LOSSES[name]()
