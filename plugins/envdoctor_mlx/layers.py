"""What each resolved layer is in MLX: its parts in order, and where their parameters lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Tuple, Type

import mlx.core as mx
from mlx import nn

from envdoctor.child import layers
from envdoctor.child.contract import Unsupported
from envdoctor_mlx import modules
from envdoctor_mlx.activations import find_activation
from envdoctor_mlx.parameters import Place, Places, place_linear, place_norm
from envdoctor_mlx.transformer import TransformerBlock, place_block

if TYPE_CHECKING:
    from envdoctor.child.layers import Layer

Part = Callable[[mx.array], mx.array]


def build_layer(layer: Layer) -> Tuple[Part, Places]:
    """The part that does what the layer says, its activation left out, and its parameters.

    Parts are modules of mlx.nn, or plain functions where there is nothing to learn.
    """
    if type(layer) not in _BUILDERS:
        raise Unsupported(f"the MLX backend has no layer {layer.kind}")
    return _BUILDERS[type(layer)](layer)


def activation_of(layer: Layer) -> Tuple[Part, ...]:
    """The activation that follows the part, where the layer has one outside of it."""
    if not isinstance(layer, (layers.Dense, layers.Conv2d)) or layer.activation == "none":
        return ()
    return (find_activation(layer.activation),)


def _dense(layer: layers.Dense) -> Tuple[Part, Places]:
    linear = nn.Linear(layer.input_shape[-1], layer.output_shape[-1], bias=layer.bias)
    return linear, place_linear(layer.name, bias=layer.bias)


def _conv2d(layer: layers.Conv2d) -> Tuple[Part, Places]:
    conv = nn.Conv2d(
        layer.input_shape[-1],
        layer.output_shape[-1],
        kernel_size=layer.kernel,
        stride=layer.stride,
        padding=layer.padding,
        bias=layer.bias,
    )
    # MLX keeps the kernel as (out, height, width, in).
    places = {f"{layer.name}.kernel": Place("weight", (3, 0, 1, 2))}
    if layer.bias:
        places[f"{layer.name}.bias"] = Place("bias", (0,))
    return conv, places


def _max_pool2d(layer: layers.MaxPool2d) -> Tuple[Part, Places]:
    return nn.MaxPool2d(layer.window, layer.stride, layer.padding), {}


def _class_token(layer: layers.ClassToken) -> Tuple[Part, Places]:
    return modules.ClassToken(layer), {f"{layer.name}.token": Place("token", (0,))}


def _embedding(layer: layers.Embedding) -> Tuple[Part, Places]:
    embedding = nn.Embedding(layer.symbols, layer.output_shape[-1])
    return embedding, {f"{layer.name}.table": Place("weight", (0, 1))}


def _position_embedding(layer: layers.PositionEmbedding) -> Tuple[Part, Places]:
    return modules.PositionEmbedding(layer), {f"{layer.name}.table": Place("table", (0, 1))}


def _transformer_block(layer: layers.TransformerBlock) -> Tuple[Part, Places]:
    return TransformerBlock(layer), place_block(layer.name)


def _layer_norm(layer: layers.LayerNorm) -> Tuple[Part, Places]:
    return nn.LayerNorm(layer.input_shape[-1], eps=layer.epsilon), place_norm(layer.name)


def _lstm(layer: layers.Lstm) -> Tuple[Part, Places]:
    # MLX orders the gates as the contract does, and has one bias too.
    places = {
        f"{layer.name}.input_kernel": Place("Wx", (1, 0)),
        f"{layer.name}.recurrent_kernel": Place("Wh", (1, 0)),
        f"{layer.name}.bias": Place("bias", (0,)),
    }
    return modules.HiddenStates(layer.input_shape[-1], layer.output_shape[-1]), places


def _without_parameters(part: Part) -> Callable[[Any], Tuple[Part, Places]]:
    return lambda _: (part, {})


_BUILDERS: Dict[Type[Any], Callable[[Any], Tuple[Part, Places]]] = {
    layers.Dense: _dense,
    layers.Conv2d: _conv2d,
    layers.MaxPool2d: _max_pool2d,
    layers.GlobalAveragePool2d: _without_parameters(modules.average_image),
    layers.Flatten: _without_parameters(modules.flatten),
    layers.Patches: lambda layer: (modules.Patches(layer), {}),
    layers.ClassToken: _class_token,
    layers.Embedding: _embedding,
    layers.PositionEmbedding: _position_embedding,
    layers.TransformerBlock: _transformer_block,
    layers.LayerNorm: _layer_norm,
    layers.Lstm: _lstm,
    layers.FirstStep: _without_parameters(modules.first_step),
    layers.LastStep: _without_parameters(modules.last_step),
    layers.MeanOverSteps: _without_parameters(modules.average_steps),
}
