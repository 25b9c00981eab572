"""The pre-norm transformer block, and the two layers that it is made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad import Tensor, nn

from envdoctor_tinygrad.activations import find_activation
from envdoctor_tinygrad.parameters import LINEAR

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor_tinygrad.place import Place


def make_linear(name: str, width: int, out: int, place: Place, bias: bool = True) -> nn.Linear:
    """A linear layer with its weights."""
    linear = nn.Linear(width, out, bias)
    linear.weight = place.make(f"{name}.kernel", LINEAR)
    if bias:
        linear.bias = place.make(f"{name}.bias")
    return linear


def make_norm(name: str, width: int, epsilon: float, place: Place) -> nn.LayerNorm:
    """A layer norm with its weights."""
    norm = nn.LayerNorm(width, epsilon)
    norm.weight = place.make(f"{name}.scale")
    norm.bias = place.make(f"{name}.offset")
    return norm


class TransformerBlock:
    """Attention, then two dense layers, both on a normalised branch beside the sequence."""

    def __init__(self, layer: layers.TransformerBlock, place: Place) -> None:
        width, hidden, name = layer.input_shape[-1], layer.hidden, layer.name
        self.heads = layer.heads
        self.causal = layer.causal
        # tinygrad divides by the root of the head width, and takes no other scale.
        self.stretch = layer.scale * math.sqrt(width // layer.heads)
        self.attention_norm = make_norm(f"{name}.attention_norm", width, layer.epsilon, place)
        self.qkv = make_linear(f"{name}.qkv", width, 3 * width, place)
        self.projection = make_linear(f"{name}.projection", width, width, place)
        self.mlp_norm = make_norm(f"{name}.mlp_norm", width, layer.epsilon, place)
        self.expand = make_linear(f"{name}.expand", width, hidden, place)
        self.activate = find_activation(layer.activation)
        self.contract = make_linear(f"{name}.contract", hidden, width, place)

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to the same."""
        x = x + self.projection(self.attend(self.qkv(self.attention_norm(x))))
        return x + self.contract(self.activate(self.expand(self.mlp_norm(x))))

    def attend(self, qkv: Tensor) -> Tensor:
        """(batch, steps, 3 * width) to (batch, steps, width)."""
        batch, steps, _ = qkv.shape
        split = qkv.reshape(batch, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = split[0], split[1], split[2]  # (batch, heads, steps, head width)
        if self.stretch != 1:
            query = query * self.stretch
        mixed = query.scaled_dot_product_attention(key, value, is_causal=self.causal)
        return mixed.transpose(1, 2).flatten(2)
