"""Multi-head attention over the output of one query-key-value projection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from envdoctor.child.layers import TransformerBlock
    from envdoctor_torch.place import Place

# Below, a plain softmax is as fast on the CPU as the fused kernel, or faster.
LEAST_FUSED_STEPS = 128


class FusedAttention(nn.Module):
    """Attention by torch's own kernel, which never stores the scores."""

    def __init__(self, layer: TransformerBlock) -> None:
        super().__init__()
        self.heads = layer.heads
        self.causal = layer.causal
        self.scale = layer.scale

    def forward(self, qkv: Tensor) -> Tensor:
        """(batch, steps, 3 * width) to (batch, steps, width)."""
        query, key, value = split_heads(qkv, self.heads)
        mixed = functional.scaled_dot_product_attention(
            query, key, value, is_causal=self.causal, scale=self.scale
        )
        return merge_heads(mixed)


class SoftmaxAttention(nn.Module):
    """Attention written out, for short sequences on the CPU."""

    mask: Tensor

    def __init__(self, layer: TransformerBlock, place: Place) -> None:
        super().__init__()
        self.heads = layer.heads
        self.scale = layer.scale
        steps = layer.input_shape[0]
        mask = torch.zeros(steps, steps, dtype=place.dtype, device=place.device)
        if layer.causal:
            mask = torch.full_like(mask, float("-inf")).triu(1)
        self.register_buffer("mask", mask)

    def forward(self, qkv: Tensor) -> Tensor:
        """(batch, steps, 3 * width) to (batch, steps, width)."""
        heads = split_heads(qkv, self.heads)  # (3, batch, heads, steps, head width)
        query, key, value = heads.flatten(1, 2)  # each (batch * heads, steps, head width)
        # One operation multiplies, scales and masks: (batch * heads, steps, steps).
        scores = torch.baddbmm(self.mask, query, key.transpose(1, 2), alpha=self.scale)
        mixed = torch.bmm(scores.softmax(-1), value)
        return merge_heads(mixed.unflatten(0, (-1, self.heads)))


def split_heads(qkv: Tensor, heads: int) -> Tensor:
    """(batch, steps, 3 * width) to (3, batch, heads, steps, head width)."""
    return qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)


def merge_heads(x: Tensor) -> Tensor:
    """(batch, heads, steps, head width) to (batch, steps, width)."""
    return x.transpose(1, 2).flatten(2)


def build_attention(layer: TransformerBlock, place: Place) -> nn.Module:
    """The faster of the two for this device and length."""
    if place.device.type == "cpu" and layer.input_shape[0] < LEAST_FUSED_STEPS:
        return SoftmaxAttention(layer, place)
    return FusedAttention(layer)
