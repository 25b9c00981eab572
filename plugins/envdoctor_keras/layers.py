"""One function for each kind of layer, from its description to layers of Keras.

Each takes the layer, its input and the network that is being built. It applies layers of
`keras.layers`, and names in `network.names` the variables that hold each canonical parameter.
"""

from __future__ import annotations

from functools import partial
from math import isclose
from typing import TYPE_CHECKING, Any, Callable, Dict, Protocol, Tuple

import keras

from envdoctor.child.contract import Unsupported
from envdoctor_keras.custom_layers import ClassToken, PositionEmbedding, Step, Unembedding

if TYPE_CHECKING:
    from envdoctor.child import layers as kinds


class Network(Protocol):
    """What the functions need of the network."""

    names: Dict[str, Tuple[Any, ...]]
    embeddings: Dict[str, Any]


Apply = Callable[[Any, Any, Network], Any]

ACTIVATIONS: Dict[str, Any] = {
    "none": None,
    "relu": "relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    # Keras's own default differs between `activations.gelu` and `ops.gelu`.
    "gelu_tanh": partial(keras.activations.gelu, approximate=True),
    "gelu_erf": partial(keras.activations.gelu, approximate=False),
}


def find_activation(name: str) -> Any:
    """The activation called `name`; raises Unsupported for an unknown one."""
    if name not in ACTIVATIONS:
        raise Unsupported(f"activation {name} is not available")
    return ACTIVATIONS[name]


def _name(network: Network, prefix: str, made: Any, bias: bool) -> None:
    network.names[f"{prefix}.kernel"] = (made.kernel,)
    if bias:
        network.names[f"{prefix}.bias"] = (made.bias,)


def _affine(name: str, units: int, activation: str, bias: bool, x: Any, network: Network) -> Any:
    made = keras.layers.Dense(units, activation=find_activation(activation), use_bias=bias)
    y = made(x)
    _name(network, name, made, bias)
    return y


def _dense(layer: kinds.Dense, x: Any, network: Network) -> Any:
    return _affine(layer.name, layer.output_shape[-1], layer.activation, layer.bias, x, network)


def _conv2d(layer: kinds.Conv2d, x: Any, network: Network) -> Any:
    padding = "valid"
    if layer.stride == 1 and layer.kernel == 2 * layer.padding + 1:
        padding = "same"  # symmetric then, and inside the convolution
    elif layer.padding:
        x = keras.layers.ZeroPadding2D(layer.padding)(x)
    made = keras.layers.Conv2D(
        layer.output_shape[-1],
        layer.kernel,
        strides=layer.stride,
        padding=padding,
        activation=find_activation(layer.activation),
        use_bias=layer.bias,
    )
    y = made(x)
    _name(network, layer.name, made, layer.bias)
    return y


def _max_pool2d(layer: kinds.MaxPool2d, x: Any, _: Network) -> Any:
    if getattr(layer, "padding", 0):
        raise Unsupported(f"layer {layer.name}: Keras pads no pool symmetrically")
    return keras.layers.MaxPooling2D(layer.window, strides=layer.stride)(x)


def _global_average_pool2d(_: kinds.GlobalAveragePool2d, x: Any, __: Network) -> Any:
    return keras.layers.GlobalAveragePooling2D()(x)


def _flatten(_: kinds.Flatten, x: Any, __: Network) -> Any:
    return keras.layers.Flatten()(x)


def _patches(layer: kinds.Patches, x: Any, _: Network) -> Any:
    height, width, channels = layer.input_shape
    rows, columns, size = height // layer.size, width // layer.size, layer.size
    x = keras.layers.Reshape((rows, size, columns, size * channels))(x)
    x = keras.layers.Permute((1, 3, 2, 4))(x)
    return keras.layers.Reshape(layer.output_shape)(x)


def _class_token(layer: kinds.ClassToken, x: Any, network: Network) -> Any:
    made = ClassToken()
    y = made(x)
    network.names[f"{layer.name}.token"] = (made.token,)
    return y


def _embedding(layer: kinds.Embedding, x: Any, network: Network) -> Any:
    made = keras.layers.Embedding(layer.symbols, layer.output_shape[-1])
    y = made(x)
    network.names[f"{layer.name}.table"] = (made.embeddings,)
    network.embeddings[layer.name] = made
    return y


def _position_embedding(layer: kinds.PositionEmbedding, x: Any, network: Network) -> Any:
    made = PositionEmbedding()
    y = made(x)
    network.names[f"{layer.name}.table"] = (made.table,)
    return y


def _normalise(name: str, epsilon: float, x: Any, network: Network) -> Any:
    made = keras.layers.LayerNormalization(epsilon=epsilon)
    y = made(x)
    network.names[f"{name}.scale"] = (made.gamma,)
    network.names[f"{name}.offset"] = (made.beta,)
    return y


def _layer_norm(layer: kinds.LayerNorm, x: Any, network: Network) -> Any:
    return _normalise(layer.name, layer.epsilon, x, network)


def _attend(layer: kinds.TransformerBlock, x: Any, network: Network) -> Any:
    head_width = layer.output_shape[-1] // layer.heads
    if not isclose(layer.scale, head_width**-0.5):
        raise Unsupported(
            f"layer {layer.name}: keras.layers.MultiHeadAttention always divides its scores by the "
            "root of the head width"
        )
    made = keras.layers.MultiHeadAttention(layer.heads, head_width)
    y = made(x, x, use_causal_mask=layer.causal)
    parts = (made.query_dense, made.key_dense, made.value_dense)
    network.names[f"{layer.name}.qkv.kernel"] = tuple(part.kernel for part in parts)
    network.names[f"{layer.name}.qkv.bias"] = tuple(part.bias for part in parts)
    _name(network, f"{layer.name}.projection", made.output_dense, bias=True)
    return y


def _transformer_block(layer: kinds.TransformerBlock, x: Any, network: Network) -> Any:
    name, width = layer.name, layer.output_shape[-1]
    y = _normalise(f"{name}.attention_norm", layer.epsilon, x, network)
    x = keras.layers.Add()([x, _attend(layer, y, network)])
    y = _normalise(f"{name}.mlp_norm", layer.epsilon, x, network)
    y = _affine(f"{name}.expand", layer.hidden, layer.activation, True, y, network)
    y = _affine(f"{name}.contract", width, "none", True, y, network)
    return keras.layers.Add()([x, y])


def _lstm(layer: kinds.Lstm, x: Any, network: Network) -> Any:
    made = keras.layers.LSTM(layer.output_shape[-1], return_sequences=True)
    y = made(x)
    cell = made.cell
    # The gates are in the canonical order: input, forget, cell, output.
    network.names[f"{layer.name}.input_kernel"] = (cell.kernel,)
    network.names[f"{layer.name}.recurrent_kernel"] = (cell.recurrent_kernel,)
    network.names[f"{layer.name}.bias"] = (cell.bias,)
    return y


def _first_step(_: kinds.FirstStep, x: Any, __: Network) -> Any:
    return Step(0)(x)


def _last_step(_: kinds.LastStep, x: Any, __: Network) -> Any:
    return Step(-1)(x)


def _mean_over_steps(_: kinds.MeanOverSteps, x: Any, __: Network) -> Any:
    return keras.layers.GlobalAveragePooling1D()(x)


def _unembedding(layer: kinds.Unembedding, x: Any, network: Network) -> Any:
    return Unembedding(network.embeddings[layer.of])(x)


APPLY: Dict[str, Apply] = {
    "dense": _dense,
    "conv2d": _conv2d,
    "max_pool2d": _max_pool2d,
    "global_average_pool2d": _global_average_pool2d,
    "flatten": _flatten,
    "patches": _patches,
    "class_token": _class_token,
    "embedding": _embedding,
    "position_embedding": _position_embedding,
    "transformer_block": _transformer_block,
    "layer_norm": _layer_norm,
    "lstm": _lstm,
    "first_step": _first_step,
    "last_step": _last_step,
    "mean_over_steps": _mean_over_steps,
    "unembedding": _unembedding,
}


def find_apply(layer: Any) -> Apply:
    """The function of a layer; raises Unsupported for a kind that is not known here."""
    if layer.kind not in APPLY:
        raise Unsupported(f"layer kind {layer.kind} is not available")
    return APPLY[layer.kind]
