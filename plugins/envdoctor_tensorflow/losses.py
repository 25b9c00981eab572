"""Losses by name: scalars from the outputs and targets of a batch."""

from __future__ import annotations

from typing import Any, Callable, Dict

import tensorflow as tf

from envdoctor.child.contract import Unsupported

Loss = Callable[[Any, Any], Any]


def _cross_entropy(outputs: Any, targets: Any) -> Any:
    """The mean over batch (and steps) of the negative log-softmax at the targets."""
    logits = tf.reshape(outputs, (-1, outputs.shape[-1]))  # (batch * steps, classes)
    labels = tf.reshape(targets, (-1,))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_mean(losses)


def _mean_squared_error(outputs: Any, targets: Any) -> Any:
    return tf.reduce_mean(tf.math.squared_difference(outputs, targets))


def _inner_product(outputs: Any, targets: Any) -> Any:
    return tf.reduce_sum(outputs * targets) / outputs.shape[0]


_LOSSES: Dict[str, Loss] = {
    "cross_entropy": _cross_entropy,
    "mean_squared_error": _mean_squared_error,
    "inner_product": _inner_product,
}


def find_loss(name: str) -> Loss:
    """The loss called `name`; raises Unsupported for an unknown one."""
    if name not in _LOSSES:
        raise Unsupported(f"loss {name} is not available")
    return _LOSSES[name]
