"""Modules that a network is made of, beside those that Flax has."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, Tuple

import jax
import jax.numpy as jnp
from flax import nnx

from envdoctor.child.contract import Unsupported

if TYPE_CHECKING:
    from envdoctor.child import layers

Function = Callable[[jax.Array], jax.Array]

ACTIVATIONS: Dict[str, Function] = {
    "none": lambda x: x,
    "relu": nnx.relu,
    "gelu_tanh": partial(nnx.gelu, approximate=True),
    "gelu_erf": partial(nnx.gelu, approximate=False),
    "sigmoid": nnx.sigmoid,
    "tanh": nnx.tanh,
}


def find_activation(name: str) -> Function:
    """The activation called `name`; raises Unsupported for an unknown one."""
    if name not in ACTIVATIONS:
        raise Unsupported(f"activation {name} is not available")
    return ACTIVATIONS[name]


class Activated(nnx.Module):
    """A module and what is applied to its output."""

    def __init__(self, inner: Any, activation: str) -> None:
        """Put the activation called `activation` after `inner`."""
        self.inner = inner
        self.activation = find_activation(activation)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Apply both."""
        return self.activation(self.inner(x))


class ClassToken(nnx.Module):
    """Puts one learned vector before each sequence."""

    def __init__(self, width: int, dtype: Any) -> None:
        """Make the vector, (width,)."""
        self.token = nnx.Param(jnp.zeros(width, dtype))

    def __call__(self, x: jax.Array) -> jax.Array:
        """(batch, steps, width) to (batch, 1 + steps, width)."""
        token = jnp.broadcast_to(self.token[...], (x.shape[0], 1, x.shape[-1]))
        return jnp.concatenate([token, x], axis=1)


class PositionEmbedding(nnx.Module):
    """Adds a learned vector to each step."""

    def __init__(self, shape: Tuple[int, ...], dtype: Any) -> None:
        """Make the table, (steps, width)."""
        self.table = nnx.Param(jnp.zeros(shape, dtype))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Add the table to every sequence."""
        return x + self.table[...]


class Lstm(nnx.Module):
    """All hidden states of an LSTM that starts from zeros."""

    def __init__(self, layer: layers.Lstm, dtype: Any, rngs: nnx.Rngs) -> None:
        """Make a cell whose gates share one product each with input and state."""
        cell = nnx.OptimizedLSTMCell(
            layer.input_shape[-1], layer.output_shape[-1], param_dtype=dtype, rngs=rngs
        )
        self.rnn = nnx.RNN(cell, rngs=False)

    def __call__(self, x: jax.Array) -> jax.Array:
        """(batch, steps, in) to (batch, steps, units)."""
        zeros = jnp.zeros((x.shape[0], self.rnn.cell.hidden_features), x.dtype)
        return self.rnn(x, initial_carry=(zeros, zeros))


class TransformerBlock(nnx.Module):
    """Adds attention and a two-layer network, each after its own norm."""

    def __init__(self, layer: layers.TransformerBlock, dtype: Any, rngs: nnx.Rngs) -> None:
        """Make norms, attention and dense layers as Flax has them."""
        width = layer.output_shape[-1]
        options = {"param_dtype": dtype, "rngs": rngs}
        self.causal = layer.causal
        self.attention_norm = nnx.LayerNorm(width, epsilon=layer.epsilon, **options)
        self.attention = nnx.MultiHeadAttention(
            num_heads=layer.heads,
            in_features=width,
            decode=False,
            attention_fn=choose_attention(dtype),
            **options,
        )
        self.mlp_norm = nnx.LayerNorm(width, epsilon=layer.epsilon, **options)
        self.expand = nnx.Linear(width, layer.hidden, **options)
        self.activation = find_activation(layer.activation)
        self.contract = nnx.Linear(layer.hidden, width, **options)

    def __call__(self, x: jax.Array) -> jax.Array:
        """(batch, steps, width) to the same."""
        mask = nnx.make_causal_mask(x[..., 0]) if self.causal else None
        x = x + self.attention(self.attention_norm(x), mask=mask)
        return x + self.contract(self.activation(self.expand(self.mlp_norm(x))))


def choose_attention(dtype: Any) -> Any:
    """Flax's own attention; in float64, one whose softmax is in float64 too.

    What Flax calls by default, `jax.nn.dot_product_attention`, computes its softmax in float32
    whatever the inputs are, and is proven in float32.
    """
    return nnx.dot_product_attention if dtype == jnp.float32 else attend


def attend(
    query: jax.Array, key: jax.Array, value: jax.Array, mask: Any = None, **_: Any
) -> jax.Array:
    """Plain attention; all are (batch, steps, heads, head width)."""
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = jnp.where(mask, scores, -jnp.inf)
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), value)
