"""The layers that torch.nn has no module for.

Between layers an image is (batch, channels, height, width) in channels-last memory, the form that
torch's convolutions are fast in; everything else has its canonical shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor_torch.place import Place


class ToChannelsFirst(nn.Module):
    """Shows an image as torch wants it; its memory stays channels-last."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, height, width, channels) to (batch, channels, height, width)."""
        return x.permute(0, 3, 1, 2)


class ToChannelsLast(nn.Module):
    """Shows an image in its canonical shape; free in channels-last memory."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, height, width, channels)."""
        return x.permute(0, 2, 3, 1)


class MeanOver(nn.Module):
    """The mean over some axes."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        """Average those axes away."""
        return x.mean(self.axes)


class Step(nn.Module):
    """One step of a sequence."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to (batch, width)."""
        return x[:, self.index]


class Patches(nn.Module):
    """Cuts an image into squares."""

    def __init__(self, layer: layers.Patches) -> None:
        super().__init__()
        self.size = layer.size
        self.rows = layer.input_shape[0] // layer.size
        self.columns = layer.input_shape[1] // layer.size

    def forward(self, x: Tensor) -> Tensor:
        """(batch, height, width, channels) to (batch, patches, size * size * channels)."""
        squares = x.unflatten(2, (self.columns, self.size)).unflatten(1, (self.rows, self.size))
        # (batch, rows, size, columns, size, channels), then rows and columns to the front
        return squares.transpose(2, 3).flatten(3).flatten(1, 2)


class ClassToken(nn.Module):
    """Puts one learned vector before the sequence."""

    def __init__(self, layer: layers.ClassToken, place: Place) -> None:
        super().__init__()
        self.token = place.make_parameter(layer.input_shape[-1])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to (batch, 1 + steps, width)."""
        return torch.cat((self.token.expand(x.shape[0], 1, -1), x), 1)


class PositionEmbedding(nn.Module):
    """Adds a learned vector to each step."""

    def __init__(self, layer: layers.PositionEmbedding, place: Place) -> None:
        super().__init__()
        self.table = place.make_parameter(*layer.input_shape)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to the same."""
        return x + self.table


class Unembedding(nn.Module):
    """Multiplies by the table of an embedding, which keeps it."""

    def __init__(self, table: nn.Parameter) -> None:
        super().__init__()
        self.table = table

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to (batch, steps, symbols)."""
        return functional.linear(x, self.table)


class AllHiddenStates(nn.Module):
    """An LSTM without the final states that it also returns."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, in) to (batch, steps, units)."""
        hidden: Tensor = self.lstm(x)[0]
        return hidden
