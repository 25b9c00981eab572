"""What each resolved layer is in tinygrad: a function made of its own layers, with parameters.

Between layers an image is (batch, channels, height, width), the form of tinygrad's convolutions;
everything else has its canonical shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Type

from tinygrad import Tensor, nn

from envdoctor.child import layers
from envdoctor.child.contract import Unsupported
from envdoctor_tinygrad.activations import find_activation
from envdoctor_tinygrad.modules import ClassToken, Lstm, Patches, PositionEmbedding, Unembedding
from envdoctor_tinygrad.parameters import CONVOLUTION, TABLE
from envdoctor_tinygrad.transformer import TransformerBlock, make_linear, make_norm

if TYPE_CHECKING:
    from envdoctor.child.layers import Layer
    from envdoctor_tinygrad.place import Place

Function = Callable[[Tensor], Tensor]


def build_layer(layer: Layer, place: Place) -> Function:
    """The function that does what the layer says; its parameters are bound in the place."""
    kind = type(layer)
    if kind not in LAYERS:
        raise Unsupported(f"the tinygrad backend has no layer {layer.kind}")
    return LAYERS[kind](layer, place)


def channels_first(x: Tensor) -> Tensor:
    """(batch, height, width, channels) to (batch, channels, height, width)."""
    return x.permute(0, 3, 1, 2)


def channels_last(x: Tensor) -> Tensor:
    """(batch, channels, height, width) to (batch, height, width, channels)."""
    return x.permute(0, 2, 3, 1)


def _on_last_axis(layer: Layer, function: Function) -> Function:
    """The function, with an image turned so that its channels are the last axis."""
    if len(layer.input_shape) != 3:
        return function
    return lambda x: channels_first(function(channels_last(x)))


def _dense(layer: layers.Dense, place: Place) -> Function:
    linear = make_linear(
        layer.name, layer.input_shape[-1], layer.output_shape[-1], place, layer.bias
    )
    activate = find_activation(layer.activation)
    return _on_last_axis(layer, lambda x: activate(linear(x)))


def _conv2d(layer: layers.Conv2d, place: Place) -> Function:
    channels = layer.input_shape[-1], layer.output_shape[-1]
    conv = nn.Conv2d(*channels, layer.kernel, layer.stride, layer.padding, bias=layer.bias)
    conv.weight = place.make(f"{layer.name}.kernel", CONVOLUTION)
    if layer.bias:
        conv.bias = place.make(f"{layer.name}.bias")
    activate = find_activation(layer.activation)
    return lambda x: activate(conv(x))


def _max_pool2d(layer: layers.MaxPool2d, _place: Place) -> Function:
    window = (layer.window, layer.window)
    return lambda x: x.max_pool2d(window, layer.stride, padding=layer.padding)


def _flatten(layer: layers.Flatten, _place: Place) -> Function:
    if len(layer.input_shape) == 3:
        return lambda x: channels_last(x).flatten(1)
    return lambda x: x.flatten(1)


def _embedding(layer: layers.Embedding, place: Place) -> Function:
    embedding = nn.Embedding(layer.symbols, layer.output_shape[-1])
    embedding.weight = place.make(f"{layer.name}.table", TABLE)
    return embedding


def _layer_norm(layer: layers.LayerNorm, place: Place) -> Function:
    norm = make_norm(layer.name, layer.input_shape[-1], layer.epsilon, place)
    return _on_last_axis(layer, norm)


LAYERS: Dict[Type[Any], Callable[[Any, Place], Function]] = {
    layers.Dense: _dense,
    layers.Conv2d: _conv2d,
    layers.MaxPool2d: _max_pool2d,
    layers.GlobalAveragePool2d: lambda _layer, _place: lambda x: x.mean((2, 3)),
    layers.Flatten: _flatten,
    layers.Patches: lambda layer, _place: Patches(layer),
    layers.ClassToken: ClassToken,
    layers.Embedding: _embedding,
    layers.PositionEmbedding: PositionEmbedding,
    layers.TransformerBlock: TransformerBlock,
    layers.LayerNorm: _layer_norm,
    layers.Lstm: Lstm,
    layers.FirstStep: lambda _layer, _place: lambda x: x[:, 0],
    layers.LastStep: lambda _layer, _place: lambda x: x[:, -1],
    layers.MeanOverSteps: lambda _layer, _place: lambda x: x.mean(1),
    layers.Unembedding: Unembedding,
}
