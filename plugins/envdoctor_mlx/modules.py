"""The layers that mlx.nn has no module for; images are channels-last here, as in the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlx.core as mx
from mlx import nn

if TYPE_CHECKING:
    from envdoctor.child import layers


class ClassToken(nn.Module):
    """Puts one learned vector before the sequence."""

    def __init__(self, layer: layers.ClassToken) -> None:
        super().__init__()
        self.token = mx.zeros(layer.input_shape[-1])

    def __call__(self, x: mx.array) -> mx.array:
        """(batch, steps, width) to (batch, 1 + steps, width)."""
        token = mx.broadcast_to(self.token, (x.shape[0], 1, x.shape[2]))
        return mx.concatenate([token, x], axis=1)


class PositionEmbedding(nn.Module):
    """Adds a learned vector to each step."""

    def __init__(self, layer: layers.PositionEmbedding) -> None:
        super().__init__()
        self.table = mx.zeros(layer.input_shape)

    def __call__(self, x: mx.array) -> mx.array:
        """(batch, steps, width) to the same."""
        return x + self.table


class HiddenStates(nn.LSTM):
    """An LSTM without the cell states that it also returns."""

    def __call__(self, x: mx.array) -> mx.array:
        """(batch, steps, in) to (batch, steps, units)."""
        hidden: mx.array = super().__call__(x)[0]
        return hidden


def flatten(x: mx.array) -> mx.array:
    """(batch, ...) to (batch, values)."""
    return x.flatten(1)


def average_image(x: mx.array) -> mx.array:
    """(batch, height, width, channels) to (batch, channels)."""
    return x.mean((1, 2))


def average_steps(x: mx.array) -> mx.array:
    """(batch, steps, width) to (batch, width)."""
    return x.mean(1)


def first_step(x: mx.array) -> mx.array:
    """(batch, steps, width) to (batch, width)."""
    return x[:, 0]


def last_step(x: mx.array) -> mx.array:
    """(batch, steps, width) to (batch, width)."""
    return x[:, -1]


class Patches(nn.Module):
    """Cuts an image into squares."""

    def __init__(self, layer: layers.Patches) -> None:
        super().__init__()
        self.size = layer.size

    def __call__(self, x: mx.array) -> mx.array:
        """(batch, height, width, channels) to (batch, patches, size * size * channels)."""
        squares = mx.unflatten(mx.unflatten(x, 2, (-1, self.size)), 1, (-1, self.size))
        # (batch, rows, size, columns, size, channels), then rows and columns to the front
        return squares.swapaxes(2, 3).flatten(3).flatten(1, 2)
