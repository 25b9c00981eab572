"""Batch normalisation, its running statistics, and the residual block that is made of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Mapping, Sequence, Tuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from envdoctor.child import layers
from envdoctor_jax.layers import ACTIVATIONS, conv2d

if TYPE_CHECKING:
    from envdoctor_jax.layers import Weights

Statistics = Mapping[str, Tuple[jax.Array, jax.Array]]
"""The running mean and variance, each (channels,), of every batch norm by its name."""
Moments = Callable[[layers.BatchNorm, jax.Array], Tuple[jax.Array, jax.Array]]
"""From a norm and its input to the mean and the variance that it normalises with."""


def first_statistics(specs: Sequence[layers.Layer], dtype: Any) -> Dict[str, Any]:
    """What every batch norm begins with, on the host."""
    return {
        norm.name: (np.zeros(norm.input_shape[-1:], dtype), np.ones(norm.input_shape[-1:], dtype))
        for norm in _norms(specs)
    }


def _norms(specs: Sequence[layers.Layer]) -> Iterator[layers.BatchNorm]:
    for layer in specs:
        if isinstance(layer, layers.BatchNorm):
            yield layer
        elif isinstance(layer, layers.ResidualBlock):
            projection = layer.projection()
            yield from (norm for _, norm in layer.branch())
            yield from [projection[1]] if projection else []


def renew(specs: Sequence[layers.Layer], before: Statistics, latest: Statistics) -> Statistics:
    """Let the running statistics follow the moments of a batch; the variance is the biased one."""
    momenta = {norm.name: norm.momentum for norm in _norms(specs)}

    def follow(momentum: float, old: jax.Array, new: jax.Array) -> jax.Array:
        return momentum * old + (1 - momentum) * new

    return {
        name: (
            follow(momenta[name], mean, latest[name][0]),
            follow(momenta[name], variance, latest[name][1]),
        )
        for name, (mean, variance) in before.items()
    }


class BatchMoments:
    """The moments of every norm's own input, for training; gathered while a pass is traced."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype
        self.latest: Dict[str, Tuple[jax.Array, jax.Array]] = {}

    def __call__(self, layer: layers.BatchNorm, x: jax.Array) -> Tuple[jax.Array, jax.Array]:
        """The mean and the biased variance of each channel."""
        # In mixed precision the statistics have more bits than the layers around the norm.
        x = x.astype(self._dtype)
        axes = tuple(range(x.ndim - 1))
        mean = x.mean(axes)
        self.latest[layer.name] = mean, jnp.square(x - mean).mean(axes)
        return self.latest[layer.name]


def batch_norm(
    layer: layers.BatchNorm, weights: Weights, x: jax.Array, moments: Moments
) -> jax.Array:
    """Normalise each channel, then scale, shift and activate it."""
    mean, variance = moments(layer, x)
    factor = lax.rsqrt(variance + layer.epsilon) * weights[f"{layer.name}.scale"]
    y = (x.astype(mean.dtype) - mean) * factor + weights[f"{layer.name}.offset"]
    return ACTIVATIONS[layer.activation](y.astype(x.dtype))


def residual_block(
    layer: layers.ResidualBlock, weights: Weights, x: jax.Array, moments: Moments
) -> jax.Array:
    """Add a branch of convolutions to a shortcut, and activate the sum."""

    def run(part: layers.ConvNorm, x: jax.Array) -> jax.Array:
        conv, norm = part
        return batch_norm(norm, weights, conv2d(conv, weights, x), moments)

    y, projection = x, layer.projection()
    for part in layer.branch():
        y = run(part, y)
    shortcut = x if projection is None else run(projection, x)
    if layer.shortcut == "padding":
        missing = layer.output_shape[-1] - layer.input_shape[-1]
        pixels = x[:, :: layer.stride, :: layer.stride]
        shortcut = jnp.pad(pixels, ((0, 0), (0, 0), (0, 0), (0, missing)))
    return ACTIVATIONS[layer.activation](y + shortcut)


NORMALISED: Dict[str, Callable[[Any, Weights, jax.Array, Moments], jax.Array]] = {
    "batch_norm": batch_norm,
    "residual_block": residual_block,
}
"""The layers whose output depends on the other samples of the batch."""
