"""The pre-norm transformer block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlx.core as mx
from mlx import nn

from envdoctor_mlx.activations import find_activation
from envdoctor_mlx.parameters import Places, below, place_linear, place_norm

if TYPE_CHECKING:
    from envdoctor.child import layers


class TransformerBlock(nn.Module):
    """Attention, then two dense layers, both on a normalised branch beside the sequence."""

    def __init__(self, layer: layers.TransformerBlock) -> None:
        super().__init__()
        width, hidden = layer.input_shape[-1], layer.hidden
        self.heads = layer.heads
        self.scale = layer.scale
        self.mask = "causal" if layer.causal else None
        self.attention_norm = nn.LayerNorm(width, eps=layer.epsilon)
        self.qkv = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width, eps=layer.epsilon)
        self.expand = nn.Linear(width, hidden)
        self.activation = find_activation(layer.activation)
        self.contract = nn.Linear(hidden, width)

    def __call__(self, x: mx.array) -> mx.array:
        """(batch, steps, width) to the same."""
        x = x + self.projection(self._attend(self.qkv(self.attention_norm(x))))
        return x + self.contract(self.activation(self.expand(self.mlp_norm(x))))

    def _attend(self, qkv: mx.array) -> mx.array:
        """(batch, steps, 3 * width) to (batch, steps, width)."""
        heads = mx.unflatten(qkv, -1, (3, self.heads, -1))
        query, key, value = heads.transpose(2, 0, 3, 1, 4)  # (batch, heads, steps, head width)
        mixed = mx.fast.scaled_dot_product_attention(
            query, key, value, scale=self.scale, mask=self.mask
        )
        return mixed.swapaxes(1, 2).flatten(2)


def place_block(name: str) -> Places:
    """The parameters of a block of that name."""
    parts = {
        "attention_norm": place_norm,
        "qkv": place_linear,
        "projection": place_linear,
        "mlp_norm": place_norm,
        "expand": place_linear,
        "contract": place_linear,
    }
    places: Places = {}
    for part, place in parts.items():
        places.update(below(part, place(f"{name}.{part}")))
    return places
