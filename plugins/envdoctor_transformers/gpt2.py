"""GPT-2 with a language-model head, from the layers of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Tuple

from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

from envdoctor.child.contract import Unsupported
from envdoctor_torch.parameters import Bindings, bind_norm, bind_table, bind_vector

if TYPE_CHECKING:
    from envdoctor.child.contract import Workload
    from envdoctor.child.layers import TransformerBlock


class Decoder(nn.Module):
    """GPT-2 as a function of its symbols."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.model = GPT2LMHeadModel(config)

    def forward(self, symbols: Tensor) -> Tensor:
        """(batch, steps) to the logits (batch, steps, symbols)."""
        logits: Tensor = self.model(input_ids=symbols).logits
        return logits


def build_gpt2(
    workload: Workload, block: TransformerBlock, activation: str
) -> Tuple[nn.Module, Bindings]:
    """The model of embedding, position embedding, blocks, norm and tied unembedding."""
    layers: Tuple[Any, ...] = workload.layers
    embedding, positions, *blocks, norm, unembedding = layers
    if unembedding.of != embedding.name:
        raise Unsupported("GPT-2 unembeds with the table of its only embedding")
    steps, width = block.input_shape
    decoder = Decoder(
        GPT2Config(
            vocab_size=embedding.symbols,
            n_positions=steps,
            n_embd=width,
            n_layer=len(blocks),
            n_head=block.heads,
            n_inner=block.hidden,
            activation_function=activation,
            layer_norm_epsilon=block.epsilon,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            use_cache=False,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    body: Any = decoder.model.transformer
    bindings: Dict[str, Any] = {
        **bind_table(f"{embedding.name}.table", body.wte.weight),
        **bind_table(f"{positions.name}.table", body.wpe.weight),
        **bind_norm(norm.name, body.ln_f),
    }
    for layer, part in zip(blocks, body.h):
        bindings.update(_bind_block(layer.name, part))
    return decoder, bindings


def _bind_block(name: str, part: Any) -> Bindings:
    return {
        **bind_norm(f"{name}.attention_norm", part.ln_1),
        **_bind_projection(f"{name}.qkv", part.attn.c_attn),
        **_bind_projection(f"{name}.projection", part.attn.c_proj),
        **bind_norm(f"{name}.mlp_norm", part.ln_2),
        **_bind_projection(f"{name}.expand", part.mlp.c_fc),
        **_bind_projection(f"{name}.contract", part.mlp.c_proj),
    }


def _bind_projection(name: str, part: Any) -> Bindings:
    """GPT-2 has a layer of its own for products, which keeps its kernel as (in, out)."""
    return {**bind_table(f"{name}.kernel", part.weight), **bind_vector(f"{name}.bias", part.bias)}
