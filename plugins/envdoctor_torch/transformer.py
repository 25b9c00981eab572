"""The pre-norm transformer block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from envdoctor_torch.activations import build_activation
from envdoctor_torch.attention import build_attention
from envdoctor_torch.parameters import Bindings, bind_linear, bind_norm

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor_torch.place import Place


class TransformerBlock(nn.Module):
    """Attention, then two dense layers, both on a normalised branch beside the sequence."""

    def __init__(self, layer: layers.TransformerBlock, place: Place) -> None:
        super().__init__()
        width, hidden = layer.input_shape[-1], layer.hidden
        self.attention_norm = place.make(nn.LayerNorm, width, eps=layer.epsilon)
        self.qkv = place.make(nn.Linear, width, 3 * width)
        self.attention = build_attention(layer, place)
        self.projection = place.make(nn.Linear, width, width)
        self.mlp_norm = place.make(nn.LayerNorm, width, eps=layer.epsilon)
        self.expand = place.make(nn.Linear, width, hidden)
        self.activation = build_activation(layer.activation)
        self.contract = place.make(nn.Linear, hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to the same."""
        x = x + self.projection(self.attention(self.qkv(self.attention_norm(x))))
        return x + self.contract(self.activation(self.expand(self.mlp_norm(x))))

    def bind(self, name: str) -> Bindings:
        """The parameters of this block, under its name."""
        return {
            **bind_norm(f"{name}.attention_norm", self.attention_norm),
            **bind_linear(f"{name}.qkv", self.qkv),
            **bind_linear(f"{name}.projection", self.projection),
            **bind_norm(f"{name}.mlp_norm", self.mlp_norm),
            **bind_linear(f"{name}.expand", self.expand),
            **bind_linear(f"{name}.contract", self.contract),
        }
