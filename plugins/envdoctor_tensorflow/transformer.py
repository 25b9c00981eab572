"""Layer normalisation, self-attention and the pre-norm transformer block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

import numpy as np
import tensorflow as tf

from envdoctor_tensorflow.activations import activate
from envdoctor_tensorflow.widening import add_bias, narrow, softmax, widen

if TYPE_CHECKING:
    from envdoctor.child.layers import TransformerBlock


def affine(name: str, x: Any, parameters: Mapping[str, Any]) -> Any:
    """`x @ kernel + bias` over the last axis, as one two-dimensional product."""
    kernel = parameters[f"{name}.kernel"]
    flat = tf.matmul(tf.reshape(x, (-1, x.shape[-1])), kernel)
    if f"{name}.bias" in parameters:
        flat = add_bias(flat, parameters[f"{name}.bias"])
    return tf.reshape(flat, (*x.shape[:-1], kernel.shape[-1]))


def layer_norm(name: str, x: Any, parameters: Mapping[str, Any], epsilon: float) -> Any:
    """Normalise the last axis with the biased variance, then scale and shift it.

    By hand, because this takes a tenth less time than tf.nn.moments and tf.nn.batch_normalization.
    """
    scale, offset = (widen(parameters[f"{name}.{part}"]) for part in ("scale", "offset"))
    wide = widen(x)
    centered = wide - tf.reduce_mean(wide, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centered), axis=-1, keepdims=True)
    normal = centered * tf.math.rsqrt(variance + epsilon) * scale + offset
    return narrow(normal, x.dtype)


def _attention(layer: TransformerBlock, x: Any, parameters: Mapping[str, Any]) -> Any:
    batch, steps, width = x.shape
    qkv = affine(f"{layer.name}.qkv", x, parameters)
    qkv = tf.reshape(qkv, (batch, steps, 3, layer.heads, width // layer.heads))
    query, key, value = tf.unstack(tf.transpose(qkv, (2, 0, 3, 1, 4)))  # (batch, heads, steps, -1)
    scores = tf.matmul(query * layer.scale, key, transpose_b=True)
    if layer.causal:
        scores += _causal_mask(steps, scores.dtype)
    mixed = tf.matmul(softmax(scores), value)
    mixed = tf.reshape(tf.transpose(mixed, (0, 2, 1, 3)), (batch, steps, width))
    return affine(f"{layer.name}.projection", mixed, parameters)


def _causal_mask(steps: int, dtype: Any) -> Any:
    """Zero where a step may look and, elsewhere, a number whose exponential is exactly zero."""
    later = np.triu(np.ones((steps, steps)), k=1)
    return tf.constant(-1e9 * later, dtype)  # (steps, steps)


def transformer_block(layer: TransformerBlock, x: Any, parameters: Mapping[str, Any]) -> Any:
    """`x += attention(norm(x))`, then `x += contract(activation(expand(norm(x))))`."""
    name = layer.name
    normal = layer_norm(f"{name}.attention_norm", x, parameters, layer.epsilon)
    x += _attention(layer, normal, parameters)
    normal = layer_norm(f"{name}.mlp_norm", x, parameters, layer.epsilon)
    hidden = activate(layer.activation, affine(f"{name}.expand", normal, parameters))
    return x + affine(f"{name}.contract", hidden, parameters)
