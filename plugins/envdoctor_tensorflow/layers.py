"""One function for each kind of layer, from its description to TensorFlow operations.

Each takes the layer, its input with the batch in front, and the parameters of the model by name.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Type

import tensorflow as tf

from envdoctor.child import layers as kinds
from envdoctor.child.contract import Unsupported
from envdoctor_tensorflow.activations import activate
from envdoctor_tensorflow.transformer import affine, layer_norm, transformer_block
from envdoctor_tensorflow.widening import add_bias

Parameters = Mapping[str, Any]
Apply = Callable[[Any, Any, Parameters], Any]


def _dense(layer: kinds.Dense, x: Any, parameters: Parameters) -> Any:
    return activate(layer.activation, affine(layer.name, x, parameters))


def _conv2d(layer: kinds.Conv2d, x: Any, parameters: Parameters) -> Any:
    sides = [layer.padding, layer.padding]
    padding = [[0, 0], sides, sides, [0, 0]] if layer.padding else "VALID"
    x = tf.nn.conv2d(x, parameters[f"{layer.name}.kernel"], layer.stride, padding)
    if layer.bias:
        x = add_bias(x, parameters[f"{layer.name}.bias"])
    return activate(layer.activation, x)


def _max_pool2d(layer: kinds.MaxPool2d, x: Any, _: Parameters) -> Any:
    if layer.padding:
        sides = [layer.padding, layer.padding]
        x = tf.pad(x, [[0, 0], sides, sides, [0, 0]], constant_values=x.dtype.min)
    return tf.nn.max_pool2d(x, layer.window, layer.stride, "VALID")


def _upsample2d(layer: kinds.Upsample2d, x: Any, _: Parameters) -> Any:
    return tf.repeat(tf.repeat(x, layer.factor, axis=1), layer.factor, axis=2)


def _global_average_pool2d(_: kinds.GlobalAveragePool2d, x: Any, __: Parameters) -> Any:
    return tf.reduce_mean(x, axis=(1, 2))


def _flatten(layer: kinds.Flatten, x: Any, _: Parameters) -> Any:
    return tf.reshape(x, (x.shape[0], *layer.output_shape))


def _patches(layer: kinds.Patches, x: Any, _: Parameters) -> Any:
    blocks = tf.nn.space_to_depth(x, layer.size)  # (batch, rows, columns, size * size * channels)
    return tf.reshape(blocks, (x.shape[0], *layer.output_shape))


def _class_token(layer: kinds.ClassToken, x: Any, parameters: Parameters) -> Any:
    batch, _, width = x.shape
    token = tf.broadcast_to(parameters[f"{layer.name}.token"], (batch, 1, width))
    return tf.concat([token, x], axis=1)


def _embedding(layer: kinds.Embedding, x: Any, parameters: Parameters) -> Any:
    return tf.gather(parameters[f"{layer.name}.table"], x)  # (batch, steps, width)


def _position_embedding(layer: kinds.PositionEmbedding, x: Any, parameters: Parameters) -> Any:
    return x + parameters[f"{layer.name}.table"]


def _layer_norm(layer: kinds.LayerNorm, x: Any, parameters: Parameters) -> Any:
    return layer_norm(layer.name, x, parameters, layer.epsilon)


def _first_step(_: kinds.FirstStep, x: Any, __: Parameters) -> Any:
    return x[:, 0]


def _last_step(_: kinds.LastStep, x: Any, __: Parameters) -> Any:
    return x[:, -1]


def _mean_over_steps(_: kinds.MeanOverSteps, x: Any, __: Parameters) -> Any:
    return tf.reduce_mean(x, axis=1)


def _unembedding(layer: kinds.Unembedding, x: Any, parameters: Parameters) -> Any:
    flat = tf.reshape(x, (-1, x.shape[-1]))
    logits = tf.matmul(flat, parameters[f"{layer.of}.table"], transpose_b=True)
    return tf.reshape(logits, (x.shape[0], *layer.output_shape))


APPLY: Dict[Type[Any], Apply] = {
    kinds.Dense: _dense,
    kinds.Conv2d: _conv2d,
    kinds.MaxPool2d: _max_pool2d,
    kinds.GlobalAveragePool2d: _global_average_pool2d,
    kinds.Upsample2d: _upsample2d,
    kinds.Flatten: _flatten,
    kinds.Patches: _patches,
    kinds.ClassToken: _class_token,
    kinds.Embedding: _embedding,
    kinds.PositionEmbedding: _position_embedding,
    kinds.TransformerBlock: transformer_block,
    kinds.LayerNorm: _layer_norm,
    kinds.FirstStep: _first_step,
    kinds.LastStep: _last_step,
    kinds.MeanOverSteps: _mean_over_steps,
    kinds.Unembedding: _unembedding,
}


def find_apply(layer: Any) -> Apply:
    """The function of a layer; raises Unsupported for a kind that is not known here."""
    if type(layer) not in APPLY:
        raise Unsupported(f"layer kind {layer.kind} is not available")
    return APPLY[type(layer)]
