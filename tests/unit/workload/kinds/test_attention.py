from __future__ import annotations

from collections.abc import Callable

import pytest

from envdoctor.errors import InputError
from envdoctor.model import description as d
from envdoctor.workload.network import Network

Resolve = Callable[..., Network]


def _block(heads: int) -> d.TransformerBlockSpec:
    return d.TransformerBlockSpec(heads=heads, causal=True, activation="gelu_tanh")


def test_a_block_has_the_parameters_of_its_contract(resolve: Resolve) -> None:
    parameters = {p.name: p.shape for p in resolve(_block(2), shape=(5, 4)).parameters}
    assert parameters == {
        "transformer_block_1.attention_norm.scale": (4,),
        "transformer_block_1.attention_norm.offset": (4,),
        "transformer_block_1.qkv.kernel": (4, 12),
        "transformer_block_1.qkv.bias": (12,),
        "transformer_block_1.projection.kernel": (4, 4),
        "transformer_block_1.projection.bias": (4,),
        "transformer_block_1.mlp_norm.scale": (4,),
        "transformer_block_1.mlp_norm.offset": (4,),
        "transformer_block_1.expand.kernel": (4, 16),
        "transformer_block_1.expand.bias": (16,),
        "transformer_block_1.contract.kernel": (16, 4),
        "transformer_block_1.contract.bias": (4,),
    }


def test_scores_are_scaled_by_the_width_of_a_head(resolve: Resolve) -> None:
    assert resolve(_block(2), shape=(5, 32)).layers[0].scale == 0.25


def test_the_products_of_a_block_are_counted(resolve: Resolve) -> None:
    steps, width, hidden = 5, 4, 16
    linear = steps * (width * 3 * width + width * width + width * hidden + hidden * width)
    scores_and_values = 2 * steps * steps * width
    network = resolve(_block(2), shape=(steps, width))
    assert network.forward_flops == 2 * (linear + scores_and_values)
    assert network.training_flops == 3 * network.forward_flops


def test_heads_that_do_not_share_the_width_are_refused(resolve: Resolve) -> None:
    with pytest.raises(InputError, match=r"needs a width that 3 heads can share evenly, but gets"):
        resolve(_block(3), shape=(5, 4))
