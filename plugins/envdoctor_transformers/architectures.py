"""Which published architecture a workload is: told by its layers, never by its name."""

from __future__ import annotations

from dataclasses import replace
from math import isclose
from typing import TYPE_CHECKING, Callable, Dict, List, Tuple

from envdoctor.child.contract import Unsupported
from envdoctor.child.layers import LayerNorm, TransformerBlock
from envdoctor_transformers.gpt2 import build_gpt2
from envdoctor_transformers.vit import build_vit

if TYPE_CHECKING:
    from torch import nn

    from envdoctor.child.contract import Workload
    from envdoctor_torch.parameters import Bindings

Kinds = Tuple[str, ...]
GPT2: Kinds = (
    "embedding",
    "position_embedding",
    "transformer_block",
    "layer_norm",
    "unembedding",
)
VIT: Kinds = (
    "patches",
    "dense",
    "class_token",
    "position_embedding",
    "transformer_block",
    "layer_norm",
    "first_step",
    "dense",
)
ACTIVATIONS = {
    "gelu_tanh": "gelu_pytorch_tanh",
    "gelu_erf": "gelu",
    "relu": "relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
}
"""What Transformers calls them."""


def build_model(workload: Workload) -> Tuple[nn.Module, Bindings]:
    """The published model with a workload's layers, and its parameters by name.

    The parameters have random values, float32, on the CPU. Raises Unsupported when there is no
    such model.
    """
    builders: Dict[Kinds, Callable[..., Tuple[nn.Module, Bindings]]] = {
        GPT2: build_gpt2,
        VIT: build_vit,
    }
    kinds = _kinds(workload)
    if kinds not in builders:
        raise Unsupported("no published architecture has these layers, neither GPT-2 nor ViT")
    block = _common_block(workload, causal=kinds == GPT2)
    return builders[kinds](workload, block, ACTIVATIONS[block.activation])


def _kinds(workload: Workload) -> Kinds:
    """The kinds of the layers in order, a series of blocks counted once."""
    found: List[str] = []
    for layer in workload.layers:
        if layer.kind != "transformer_block" or found[-1:] != [layer.kind]:
            found.append(layer.kind)
    return tuple(found)


def _common_block(workload: Workload, *, causal: bool) -> TransformerBlock:
    """What all blocks are like, as one config says it. Raises Unsupported if it cannot."""
    blocks = [layer for layer in workload.layers if isinstance(layer, TransformerBlock)]
    norms = [layer for layer in workload.layers if isinstance(layer, LayerNorm)]
    first = blocks[0]
    if any(replace(block, name=first.name) != first for block in blocks):
        raise Unsupported("no published architecture has blocks that are not all alike")
    if first.causal != causal:
        kind = "a decoder whose steps see later ones" if causal else "an encoder with causal blocks"
        raise Unsupported(f"no published architecture is {kind}")
    if any(norm.epsilon != first.epsilon for norm in norms):
        raise Unsupported("these architectures have one epsilon for all of their norms")
    if not isclose(first.scale, (first.input_shape[-1] // first.heads) ** -0.5):
        raise Unsupported("these architectures scale scores by the root of the width of a head")
    if first.activation not in ACTIVATIONS:
        raise Unsupported(f"Transformers has no activation {first.activation}")
    return first
