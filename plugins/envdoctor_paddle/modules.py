"""The layers that paddle.nn has no class for.

Images are channels-first from the first convolution or pooling on, the form that Paddle's kernels
for the CPU are written for; `Flatten` and the last layer turn them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paddle
from paddle import nn
from paddle.nn import functional
from paddle.nn.initializer import Constant

if TYPE_CHECKING:
    from envdoctor.child import layers


class ToChannelsFirst(nn.Layer):
    """Turns an image into the form of Paddle's convolutions."""

    def forward(self, x: Any) -> Any:
        """(batch, height, width, channels) to (batch, channels, height, width)."""
        return x.transpose([0, 3, 1, 2])


class ToChannelsLast(nn.Layer):
    """Turns an image into its canonical form."""

    def forward(self, x: Any) -> Any:
        """(batch, channels, height, width) to (batch, height, width, channels)."""
        return x.transpose([0, 2, 3, 1])


class MeanOver(nn.Layer):
    """The mean over some axes."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = list(axes)

    def forward(self, x: Any) -> Any:
        """Average those axes away."""
        return x.mean(self.axes)


class Step(nn.Layer):
    """One step of a sequence."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Any) -> Any:
        """(batch, steps, width) to (batch, width)."""
        return x[:, self.index]


class Patches(nn.Layer):
    """Cuts an image into squares."""

    def __init__(self, layer: layers.Patches) -> None:
        super().__init__()
        height, width, channels = layer.input_shape
        size = layer.size
        self.squares = [-1, height // size, size, width // size, size, channels]
        self.rows = [-1, *layer.output_shape]

    def forward(self, x: Any) -> Any:
        """(batch, height, width, channels) to (batch, patches, size * size * channels)."""
        return x.reshape(self.squares).transpose([0, 1, 3, 2, 4, 5]).reshape(self.rows)


class ClassToken(nn.Layer):
    """Puts one learned vector before the sequence."""

    def __init__(self, layer: layers.ClassToken) -> None:
        super().__init__()
        self.token = make_parameter(self, layer.input_shape[-1])

    def forward(self, x: Any) -> Any:
        """(batch, steps, width) to (batch, 1 + steps, width)."""
        return paddle.concat([self.token.expand([x.shape[0], 1, -1]), x], axis=1)


class PositionEmbedding(nn.Layer):
    """Adds a learned vector to each step."""

    def __init__(self, layer: layers.PositionEmbedding) -> None:
        super().__init__()
        self.table = make_parameter(self, *layer.input_shape)

    def forward(self, x: Any) -> Any:
        """(batch, steps, width) to the same."""
        return x + self.table


class Unembedding(nn.Layer):
    """Multiplies by the table of an embedding, which keeps it."""

    def __init__(self, table: Any) -> None:
        super().__init__()
        self.table = table

    def forward(self, x: Any) -> Any:
        """(batch, steps, width) to (batch, steps, symbols)."""
        return functional.linear(x, self.table.t())


class AllHiddenStates(nn.Layer):
    """An LSTM without the final states that it also returns."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def forward(self, x: Any) -> Any:
        """(batch, steps, in) to (batch, steps, units)."""
        return self.lstm(x)[0]


def make_parameter(owner: nn.Layer, *sizes: int) -> Any:
    """A parameter of that layer, which is still to be loaded."""
    return owner.create_parameter(list(sizes), default_initializer=Constant(0.0))
