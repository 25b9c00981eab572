"""The residual block of ResNets, on images as torch's convolutions want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from envdoctor.child import layers


class ResidualBlock(nn.Module):
    """A branch of convolutions beside a shortcut; their sum is activated."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, height, width) to (batch, out, rows, columns)."""
        y: Tensor = self.activation(self.branch(x) + self.shortcut(x))
        return y


class PaddedShortcut(nn.Module):
    """Some of the pixels of the input, with channels of zeros after its own."""

    def __init__(self, layer: layers.ResidualBlock) -> None:
        super().__init__()
        self.stride = layer.stride
        self.missing = layer.output_shape[-1] - layer.input_shape[-1]

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, height, width) to (batch, out, rows, columns)."""
        pixels = x[:, :, :: self.stride, :: self.stride]
        # From the last axis to the first, before and after: width, height, channels.
        return functional.pad(pixels, (0, 0, 0, 0, 0, self.missing))
