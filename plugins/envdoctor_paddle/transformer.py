"""The pre-norm transformer block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paddle import nn
from paddle.nn import functional

from envdoctor_paddle.activations import build_activation
from envdoctor_paddle.parameters import Bindings, bind_linear, bind_norm

if TYPE_CHECKING:
    from envdoctor.child import layers


class TransformerBlock(nn.Layer):
    """Attention, then two dense layers, both on a normalised branch beside the sequence."""

    def __init__(self, layer: layers.TransformerBlock) -> None:
        super().__init__()
        steps, width = layer.input_shape
        self.causal = layer.causal
        self.scale = layer.scale
        self.apart = [-1, steps, 3, layer.heads, width // layer.heads]
        self.together = [-1, steps, width]
        self.attention_norm = nn.LayerNorm(width, epsilon=layer.epsilon)
        self.qkv = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width, epsilon=layer.epsilon)
        self.expand = nn.Linear(width, layer.hidden)
        self.activation = build_activation(layer.activation)
        self.contract = nn.Linear(layer.hidden, width)

    def forward(self, x: Any) -> Any:
        """(batch, steps, width) to the same."""
        x = x + self.projection(self._attend(self.qkv(self.attention_norm(x))))
        return x + self.contract(self.activation(self.expand(self.mlp_norm(x))))

    def _attend(self, qkv: Any) -> Any:
        """(batch, steps, 3 * width) to (batch, steps, width)."""
        query, key, value = qkv.reshape(self.apart).unbind(2)  # (batch, steps, heads, head width)
        mixed = functional.scaled_dot_product_attention(
            query, key, value, is_causal=self.causal, scale=self.scale
        )
        return mixed.reshape(self.together)

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
