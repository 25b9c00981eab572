"""Batch normalisation, its running statistics, and the residual block that is made of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Mapping, Sequence, Tuple, Type

import tensorflow as tf

from envdoctor.child import layers as kinds
from envdoctor_tensorflow.activations import activate
from envdoctor_tensorflow.layers import find_apply

if TYPE_CHECKING:
    from envdoctor.child.layers import BatchNorm, ConvNorm, Layer, ResidualBlock

Parameters = Mapping[str, Any]
Moments = Callable[[Any, Any], Tuple[Any, Any]]
"""From a norm and its input to the mean and the variance, (channels,), that it normalises with."""


class Statistics:
    """The running mean and variance of every batch norm, as variables beside the parameters."""

    def __init__(self, layers: Sequence[Layer], dtype: Any) -> None:
        self._dtype = dtype
        self._running: Dict[str, Tuple[Any, Any]] = {
            norm.name: (
                tf.Variable(tf.zeros(norm.input_shape[-1:], dtype), trainable=False),
                tf.Variable(tf.ones(norm.input_shape[-1:], dtype), trainable=False),
            )
            for norm in _norms(layers)
        }
        self._latest: Dict[str, Tuple[float, Any, Any]] = {}

    def running(self, layer: BatchNorm, _: Any) -> Tuple[Any, Any]:
        """What the batches so far had, for evaluation."""
        mean, variance = self._running[layer.name]
        return tf.convert_to_tensor(mean), tf.convert_to_tensor(variance)

    def of_batch(self, layer: BatchNorm, x: Any) -> Tuple[Any, Any]:
        """What the batch itself has, for training; `renew` may follow in the same function."""
        mean, variance = tf.nn.moments(tf.cast(x, self._dtype), list(range(len(x.shape) - 1)))
        self._latest[layer.name] = layer.momentum, mean, variance
        return mean, variance

    def renew(self) -> None:
        """Let the running statistics follow the latest batch; the variance is the biased one."""
        for name, (momentum, *latest) in self._latest.items():
            for variable, value in zip(self._running[name], latest):
                variable.assign_sub((variable - value) * (1 - momentum))


def _norms(layers: Sequence[Layer]) -> Iterator[BatchNorm]:
    for layer in layers:
        if isinstance(layer, kinds.BatchNorm):
            yield layer
        elif isinstance(layer, kinds.ResidualBlock):
            projection = layer.projection()
            yield from (norm for _, norm in layer.branch())
            yield from [projection[1]] if projection else []


def batch_norm(layer: BatchNorm, x: Any, parameters: Parameters, moments: Moments) -> Any:
    """Normalise each channel, then scale, shift and activate it."""
    mean, variance = moments(layer, x)
    scale, offset = (
        tf.cast(parameters[f"{layer.name}.{part}"], mean.dtype) for part in ("scale", "offset")
    )
    # In mixed precision the statistics have more bits than the layers around the norm.
    wide = tf.cast(x, mean.dtype)
    y = tf.nn.batch_normalization(wide, mean, variance, offset, scale, layer.epsilon)
    return activate(layer.activation, tf.cast(y, x.dtype))


def residual_block(layer: ResidualBlock, x: Any, parameters: Parameters, moments: Moments) -> Any:
    """Add a branch of convolutions to a shortcut, and activate the sum."""

    def run(part: ConvNorm, x: Any) -> Any:
        conv, norm = part
        return batch_norm(norm, find_apply(conv)(conv, x, parameters), parameters, moments)

    y, projection = x, layer.projection()
    for part in layer.branch():
        y = run(part, y)
    shortcut = x if projection is None else run(projection, x)
    if layer.shortcut == "padding":
        missing = layer.output_shape[-1] - layer.input_shape[-1]
        pixels = x[:, :: layer.stride, :: layer.stride]
        shortcut = tf.pad(pixels, [[0, 0], [0, 0], [0, 0], [0, missing]])
    return activate(layer.activation, y + shortcut)


NORMALISED: Dict[Type[Any], Callable[[Any, Any, Parameters, Moments], Any]] = {
    kinds.BatchNorm: batch_norm,
    kinds.ResidualBlock: residual_block,
}
"""The layers whose output depends on the other samples of the batch."""
