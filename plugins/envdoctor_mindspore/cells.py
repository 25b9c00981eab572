"""The layers that mindspore.nn has no cell for.

Between layers an image is (batch, channels, height, width), the only form of MindSpore's
convolutions on the CPU; everything else has its canonical shape. Graph mode compiles `construct`
from its text, so it keeps to what its compiler knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mindspore
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

if TYPE_CHECKING:
    from typing import Tuple

    from envdoctor.child import layers


def empty_parameter(name: str, *sizes: int) -> Parameter:
    """A parameter that is still to be loaded."""
    return Parameter(Tensor(np.zeros(sizes, np.float32)), name=name)


class Transpose(nn.Cell):
    """Another order of the axes."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def construct(self, x: Tensor) -> Tensor:
        """Order the axes of `x` so."""
        return ops.transpose(x, self.axes)


class MeanOver(nn.Cell):
    """The mean over some axes."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def construct(self, x: Tensor) -> Tensor:
        """Average those axes away."""
        return ops.mean(x, self.axes)


class Step(nn.Cell):
    """One step of a sequence."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def construct(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to (batch, width)."""
        return x[:, self.index]


class Patches(nn.Cell):
    """Cuts an image into squares."""

    def __init__(self, layer: layers.Patches) -> None:
        super().__init__()
        height, width, channels = layer.input_shape
        self.split = (channels, height // layer.size, layer.size, width // layer.size, layer.size)
        self.joined: Tuple[int, ...] = layer.output_shape

    def construct(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, patches, size * size * channels)."""
        squares = ops.transpose(x.reshape((-1, *self.split)), (0, 2, 4, 3, 5, 1))
        return squares.reshape((-1, *self.joined))


class ClassToken(nn.Cell):
    """Puts one learned vector before the sequence."""

    def __init__(self, layer: layers.ClassToken) -> None:
        super().__init__()
        self.width = layer.input_shape[-1]
        self.token = empty_parameter("token", self.width)

    def construct(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to (batch, 1 + steps, width)."""
        tokens = ops.broadcast_to(self.token, (x.shape[0], 1, self.width))
        return ops.cat((tokens, x), 1)


class PositionEmbedding(nn.Cell):
    """Adds a learned vector to each step."""

    def __init__(self, layer: layers.PositionEmbedding) -> None:
        super().__init__()
        self.table = empty_parameter("table", *layer.input_shape)

    def construct(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to the same."""
        return x + self.table


class Unembedding(nn.Cell):
    """Multiplies by the table of an embedding, which keeps it."""

    def __init__(self, table: Parameter) -> None:
        super().__init__()
        self.table = table
        self.multiply = ops.MatMul(transpose_b=True)

    def construct(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to (batch, steps, symbols)."""
        flat = self.multiply(x.reshape((-1, x.shape[-1])), self.table)
        return flat.reshape((x.shape[0], x.shape[1], -1))


class AllHiddenStates(nn.Cell):
    """An LSTM without the final states that it also returns."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def construct(self, x: Tensor) -> Tensor:
        """(batch, steps, in) to (batch, steps, units)."""
        return self.lstm(x)[0]


def causal_mask(steps: int) -> Tensor:
    """(steps, steps): what to add to the scores so that no step sees a later one."""
    # As good as infinite: the exponential of it is zero.
    return mindspore.Tensor(np.triu(np.full((steps, steps), -1e9, np.float32), 1))
