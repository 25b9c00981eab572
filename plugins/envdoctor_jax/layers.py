"""What each resolved layer is in JAX: one function of the layer, the weights and its input."""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Tuple

import jax
import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from envdoctor.child import layers

Weights = Mapping[str, jax.Array]

ACTIVATIONS: Dict[str, Callable[[jax.Array], jax.Array]] = {
    "none": lambda x: x,
    "relu": jax.nn.relu,
    "gelu_tanh": partial(jax.nn.gelu, approximate=True),
    "gelu_erf": partial(jax.nn.gelu, approximate=False),
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
}

# On the CPU, eight steps without a loop run a quarter faster and compile in twice the time; from
# 28 steps on, unrolled loops are both slower to compile and slower to run.
MOST_UNROLLED_STEPS = 8

# Max-pooling of larger windows compares too many slices.
LARGEST_COMPARED_WINDOW = 3


def dense(layer: layers.Dense, weights: Weights, x: jax.Array) -> jax.Array:
    """Multiply the last axis by a matrix."""
    bias = weights[f"{layer.name}.bias"] if layer.bias else None
    return ACTIVATIONS[layer.activation](_affine(x, weights[f"{layer.name}.kernel"], bias))


def conv2d(layer: layers.Conv2d, weights: Weights, x: jax.Array) -> jax.Array:
    """Cross-correlate with symmetric padding."""
    y = lax.conv_general_dilated(
        x,  # (batch, height, width, in)
        weights[f"{layer.name}.kernel"],  # (kernel, kernel, in, out)
        window_strides=(layer.stride, layer.stride),
        padding=[(layer.padding, layer.padding)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    if layer.bias:
        y = y + weights[f"{layer.name}.bias"]
    return ACTIVATIONS[layer.activation](y)


def max_pool2d(layer: layers.MaxPool2d, _weights: Weights, x: jax.Array) -> jax.Array:
    """Take the largest of each window; of equals, the first in row-major order has the gradient."""
    if layer.padding:
        sides = (layer.padding, layer.padding)
        x = jnp.pad(x, ((0, 0), sides, sides, (0, 0)), constant_values=-jnp.inf)
    # `jnp.max` over a reshaped image would share the gradient among equals.
    if layer.window > LARGEST_COMPARED_WINDOW:
        window = (1, layer.window, layer.window, 1)
        strides = (1, layer.stride, layer.stride, 1)
        return lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "VALID")
    # Comparing slices: XLA fuses them both ways, while the gradient of `reduce_window`, a scatter,
    # takes half of the step of a small network on the CPU. Rows first and then their winners: one
    # after another they take 5 % longer in a step of cnn-tiny.
    places = range(layer.window)
    rows = [
        reduce(_first_largest, [_at(layer, x, row, column) for column in places]) for row in places
    ]
    return reduce(_first_largest, rows)


def _at(layer: layers.MaxPool2d, x: jax.Array, row: int, column: int) -> jax.Array:
    """What lies at one place of each window."""
    height, width, _ = layer.output_shape
    rows = slice(row, row + (height - 1) * layer.stride + 1, layer.stride)
    columns = slice(column, column + (width - 1) * layer.stride + 1, layer.stride)
    return x[:, rows, columns]


def _first_largest(first: jax.Array, second: jax.Array) -> jax.Array:
    """The larger; what is not a number stays in the result, wherever it comes from."""
    return jnp.where((first >= second) | jnp.isnan(first), first, second)


def global_average_pool2d(
    _layer: layers.GlobalAveragePool2d, _weights: Weights, x: jax.Array
) -> jax.Array:
    """Average over height and width."""
    return x.mean(axis=(1, 2))


def upsample2d(layer: layers.Upsample2d, _weights: Weights, x: jax.Array) -> jax.Array:
    """Repeat each pixel in both directions."""
    return x.repeat(layer.factor, axis=1).repeat(layer.factor, axis=2)


def flatten(_layer: layers.Flatten, _weights: Weights, x: jax.Array) -> jax.Array:
    """Join all axes but the batch."""
    return x.reshape(x.shape[0], -1)


def patches(layer: layers.Patches, _weights: Weights, x: jax.Array) -> jax.Array:
    """Cut images into squares."""
    batch, height, width, channels = x.shape
    size = layer.size
    x = x.reshape(batch, height // size, size, width // size, size, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, *layer.output_shape)


def class_token(layer: layers.ClassToken, weights: Weights, x: jax.Array) -> jax.Array:
    """Put the learned vector before each sequence."""
    batch, _, width = x.shape
    token = jnp.broadcast_to(weights[f"{layer.name}.token"], (batch, 1, width))
    return jnp.concatenate([token, x], axis=1)


def embedding(layer: layers.Embedding, weights: Weights, x: jax.Array) -> jax.Array:
    """Look symbols up in the table."""
    return weights[f"{layer.name}.table"][x]


def position_embedding(
    layer: layers.PositionEmbedding, weights: Weights, x: jax.Array
) -> jax.Array:
    """Add the learned vector of each step."""
    return x + weights[f"{layer.name}.table"]


def layer_norm(layer: layers.LayerNorm, weights: Weights, x: jax.Array) -> jax.Array:
    """Normalise the last axis."""
    return _normalise(weights, layer.name, layer.epsilon, x)


def transformer_block(layer: layers.TransformerBlock, weights: Weights, x: jax.Array) -> jax.Array:
    """Add attention and a two-layer network, each after its own norm."""
    name = layer.name
    y = _normalise(weights, f"{name}.attention_norm", layer.epsilon, x)
    y = _attend(layer, _linear(weights, f"{name}.qkv", y))
    x = x + _linear(weights, f"{name}.projection", y)
    y = _normalise(weights, f"{name}.mlp_norm", layer.epsilon, x)
    y = ACTIVATIONS[layer.activation](_linear(weights, f"{name}.expand", y))
    return x + _linear(weights, f"{name}.contract", y)


def lstm(layer: layers.Lstm, weights: Weights, x: jax.Array) -> jax.Array:
    """Scan over the steps; the product with the inputs is one matmul before the loop."""
    recurrent = weights[f"{layer.name}.recurrent_kernel"]

    def step(
        carry: Tuple[jax.Array, jax.Array], driven: jax.Array
    ) -> Tuple[Tuple[jax.Array, jax.Array], jax.Array]:
        hidden, cell = carry  # (batch, units)
        gates = jnp.split(driven + hidden @ recurrent, 4, axis=-1)
        admit, forget, output = (jax.nn.sigmoid(gates[i]) for i in (0, 1, 3))
        cell = forget * cell + admit * jnp.tanh(gates[2])
        hidden = output * jnp.tanh(cell)
        return (hidden, cell), hidden

    kernel, bias = weights[f"{layer.name}.input_kernel"], weights[f"{layer.name}.bias"]
    driven = _affine(x.swapaxes(0, 1), kernel, bias)  # (steps, batch, 4 * units)
    zeros = jnp.zeros((x.shape[0], layer.output_shape[-1]), x.dtype)
    unroll = x.shape[1] <= MOST_UNROLLED_STEPS
    _, hidden = lax.scan(step, (zeros, zeros), driven, unroll=unroll)
    return hidden.swapaxes(0, 1)


def first_step(_layer: layers.FirstStep, _weights: Weights, x: jax.Array) -> jax.Array:
    """Keep the first step."""
    return x[:, 0]


def last_step(_layer: layers.LastStep, _weights: Weights, x: jax.Array) -> jax.Array:
    """Keep the last step."""
    return x[:, -1]


def mean_over_steps(_layer: layers.MeanOverSteps, _weights: Weights, x: jax.Array) -> jax.Array:
    """Average over the steps."""
    return x.mean(axis=1)


def unembedding(layer: layers.Unembedding, weights: Weights, x: jax.Array) -> jax.Array:
    """Multiply by the transposed table of the embedding."""
    return _affine(x, weights[f"{layer.of}.table"].T, None)


def _affine(x: jax.Array, kernel: jax.Array, bias: jax.Array | None) -> jax.Array:
    # Two-dimensional operands, so that the gradient of the kernel is one plain matmul too.
    y = x.reshape(-1, x.shape[-1]) @ kernel
    if bias is not None:
        y = y + bias
    return y.reshape(*x.shape[:-1], kernel.shape[-1])


def _linear(weights: Weights, name: str, x: jax.Array) -> jax.Array:
    return _affine(x, weights[f"{name}.kernel"], weights[f"{name}.bias"])


def _normalise(weights: Weights, name: str, epsilon: float, x: jax.Array) -> jax.Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = jnp.square(centred).mean(axis=-1, keepdims=True)
    normal = centred * lax.rsqrt(variance + epsilon)
    return normal * weights[f"{name}.scale"] + weights[f"{name}.offset"]


def _attend(layer: layers.TransformerBlock, qkv: jax.Array) -> jax.Array:
    # Not `jax.nn.dot_product_attention`: its softmax is in float32 whatever the inputs are.
    batch, steps, _ = qkv.shape
    split = qkv.reshape(batch, steps, 3, layer.heads, -1)
    query, key, value = (split[:, :, i] for i in range(3))  # (batch, steps, heads, head width)
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) * layer.scale
    if layer.causal:
        scores = jnp.where(jnp.tri(steps, dtype=bool), scores, -jnp.inf)
    y = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, axis=-1), value)
    return y.reshape(batch, steps, -1)


LAYERS: Dict[str, Callable[[Any, Weights, jax.Array], jax.Array]] = {
    "dense": dense,
    "conv2d": conv2d,
    "max_pool2d": max_pool2d,
    "global_average_pool2d": global_average_pool2d,
    "upsample2d": upsample2d,
    "flatten": flatten,
    "patches": patches,
    "class_token": class_token,
    "embedding": embedding,
    "position_embedding": position_embedding,
    "transformer_block": transformer_block,
    "layer_norm": layer_norm,
    "lstm": lstm,
    "first_step": first_step,
    "last_step": last_step,
    "mean_over_steps": mean_over_steps,
    "unembedding": unembedding,
}
