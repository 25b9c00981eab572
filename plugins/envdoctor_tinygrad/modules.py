"""The layers that tinygrad has no class for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad import Tensor, nn

from envdoctor_tinygrad.parameters import LINEAR, TABLE

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor_tinygrad.place import Place


class Patches:
    """Cuts an image into squares."""

    def __init__(self, layer: layers.Patches) -> None:
        self.size = layer.size
        self.rows = layer.input_shape[0] // layer.size
        self.columns = layer.input_shape[1] // layer.size

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, patches, size * size * channels)."""
        squares = x.reshape(x.shape[0], -1, self.rows, self.size, self.columns, self.size)
        # Rows and columns of patches to the front, channels to the end.
        return squares.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


class ClassToken:
    """Puts one learned vector before the sequence."""

    def __init__(self, layer: layers.ClassToken, place: Place) -> None:
        self.token = place.make(f"{layer.name}.token")

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to (batch, 1 + steps, width)."""
        return self.token.expand(x.shape[0], 1, -1).cat(x, dim=1)


class PositionEmbedding:
    """Adds a learned vector to each step."""

    def __init__(self, layer: layers.PositionEmbedding, place: Place) -> None:
        self.table = place.make(f"{layer.name}.table", TABLE)

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to the same."""
        return x + self.table


class Unembedding:
    """Multiplies by the table of an embedding, which keeps it."""

    def __init__(self, layer: layers.Unembedding, place: Place) -> None:
        self.table = place.bindings[f"{layer.of}.table"].tensor

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to (batch, steps, symbols)."""
        return x.linear(self.table.T)


class Lstm:
    """All hidden states, by one cell of tinygrad for each step: the jit unrolls the loop."""

    def __init__(self, layer: layers.Lstm, place: Place) -> None:
        self.cell = nn.LSTMCell(layer.input_shape[-1], layer.output_shape[-1])
        # tinygrad orders the gates as the contract does, and keeps the kernels as (out, in).
        self.cell.weight_ih = place.make(f"{layer.name}.input_kernel", LINEAR)
        self.cell.weight_hh = place.make(f"{layer.name}.recurrent_kernel", LINEAR)
        self.cell.bias_ih = place.make(f"{layer.name}.bias")
        # It would add two biases where one does.
        self.cell.bias_hh = None

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, steps, in) to (batch, steps, units)."""
        state = self.cell(x[:, 0])
        hidden = [state[0]]
        for step in range(1, x.shape[1]):
            state = self.cell(x[:, step], state)
            hidden.append(state[0])
        return hidden[0].stack(*hidden[1:], dim=1)
