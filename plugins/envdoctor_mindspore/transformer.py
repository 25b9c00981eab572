"""The pre-norm transformer block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mindspore import Tensor, nn, ops

from envdoctor_mindspore.activations import build_activation
from envdoctor_mindspore.cells import causal_mask
from envdoctor_mindspore.parameters import Bindings, bind_dense, bind_norm

if TYPE_CHECKING:
    from envdoctor.child import layers


class TransformerBlock(nn.Cell):
    """Attention, then two dense layers, both on a normalised branch beside the sequence."""

    def __init__(self, layer: layers.TransformerBlock) -> None:
        super().__init__()
        steps, width = layer.input_shape
        self.steps, self.width, self.heads = steps, width, layer.heads
        self.scale = layer.scale
        self.causal = layer.causal
        self.mask = causal_mask(steps)
        self.attention_norm = nn.LayerNorm((width,), epsilon=layer.epsilon)
        self.qkv = nn.Dense(width, 3 * width)
        self.scores = ops.BatchMatMul(transpose_b=True)
        self.mix = ops.BatchMatMul()
        self.projection = nn.Dense(width, width)
        self.mlp_norm = nn.LayerNorm((width,), epsilon=layer.epsilon)
        self.expand = nn.Dense(width, layer.hidden)
        self.activation = build_activation(layer.activation)
        self.contract = nn.Dense(layer.hidden, width)

    def construct(self, x: Tensor) -> Tensor:
        """(batch, steps, width) to the same."""
        x = x + self.projection(self.attend(self.qkv(self.attention_norm(x))))
        return x + self.contract(self.activation(self.expand(self.mlp_norm(x))))

    def attend(self, qkv: Tensor) -> Tensor:
        """(batch, steps, 3 * width) to (batch, steps, width)."""
        # MindSpore has no fused attention on the CPU.
        split = ops.transpose(
            qkv.reshape((-1, self.steps, 3, self.heads, self.width // self.heads)), (2, 0, 3, 1, 4)
        )
        query, key, value = split[0], split[1], split[2]  # (batch, heads, steps, head width)
        scores = self.scores(query, key) * self.scale
        if self.causal:
            scores = scores + self.mask
        mixed = self.mix(ops.softmax(scores, -1), value)
        return ops.transpose(mixed, (0, 2, 1, 3)).reshape((-1, self.steps, self.width))

    def bind(self, name: str) -> Bindings:
        """The parameters of this block, under its name."""
        return {
            **bind_norm(f"{name}.attention_norm", self.attention_norm),
            **bind_dense(f"{name}.qkv", self.qkv),
            **bind_dense(f"{name}.projection", self.projection),
            **bind_norm(f"{name}.mlp_norm", self.mlp_norm),
            **bind_dense(f"{name}.expand", self.expand),
            **bind_dense(f"{name}.contract", self.contract),
        }
