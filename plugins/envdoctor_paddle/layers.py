"""What each resolved layer is in Paddle: its layers in order, and where its parameters lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Tuple, Type

from paddle import ParamAttr, nn
from paddle.nn.initializer import Constant

from envdoctor.child import layers
from envdoctor.child.contract import Unsupported
from envdoctor_paddle import modules
from envdoctor_paddle.activations import build_activation
from envdoctor_paddle.parameters import Binding, Bindings, bind_linear, bind_norm
from envdoctor_paddle.transformer import TransformerBlock

if TYPE_CHECKING:
    from envdoctor.child.layers import Layer

Parts = Tuple[Any, ...]


def build_layer(layer: Layer, earlier: Bindings) -> Tuple[Parts, Bindings]:
    """The layers of Paddle that do what the layer says, to be run in order, and their parameters.

    `earlier` has the parameters of the layers before it.
    """
    kind = type(layer)
    if kind in _WITHOUT_PARAMETERS:
        return _WITHOUT_PARAMETERS[kind](layer), {}
    if kind in _WITH_PARAMETERS:
        return _WITH_PARAMETERS[kind](layer)
    if isinstance(layer, layers.Unembedding):
        return (modules.Unembedding(earlier[f"{layer.of}.table"].parameter),), {}
    raise Unsupported(f"the paddle backend has no layer {layer.kind}")


def _on_last_axis(layer: Layer, part: Any) -> Parts:
    """The part, with an image turned so that its channels are the last axis."""
    if len(layer.input_shape) == 3:
        return (modules.ToChannelsLast(), part, modules.ToChannelsFirst())
    return (part,)


def _activate(name: str) -> Parts:
    return () if name == "none" else (build_activation(name),)


def _bias(present: bool) -> Any:
    """What `bias_attr` says: None for the default, False for no bias."""
    return None if present else False


def _dense(layer: layers.Dense) -> Tuple[Parts, Bindings]:
    sizes = layer.input_shape[-1], layer.output_shape[-1]
    linear = nn.Linear(*sizes, bias_attr=_bias(layer.bias))
    parts = (*_on_last_axis(layer, linear), *_activate(layer.activation))
    return parts, bind_linear(layer.name, linear)


def _conv2d(layer: layers.Conv2d) -> Tuple[Parts, Bindings]:
    conv = nn.Conv2D(
        layer.input_shape[-1],
        layer.output_shape[-1],
        layer.kernel,
        stride=layer.stride,
        padding=layer.padding,
        bias_attr=_bias(layer.bias),
    )
    # Paddle keeps the kernel as (out, in, height, width).
    bindings = {f"{layer.name}.kernel": Binding(conv.weight, (3, 2, 0, 1))}
    if layer.bias:
        bindings[f"{layer.name}.bias"] = Binding(conv.bias, (0,))
    return (conv, *_activate(layer.activation)), bindings


def _flatten(layer: layers.Flatten) -> Parts:
    if len(layer.input_shape) == 3:
        return (modules.ToChannelsLast(), nn.Flatten())
    return (nn.Flatten(),)


def _class_token(layer: layers.ClassToken) -> Tuple[Parts, Bindings]:
    part = modules.ClassToken(layer)
    return (part,), {f"{layer.name}.token": Binding(part.token, (0,))}


def _embedding(layer: layers.Embedding) -> Tuple[Parts, Bindings]:
    part = nn.Embedding(layer.symbols, layer.output_shape[-1])
    return (part,), {f"{layer.name}.table": Binding(part.weight, (0, 1))}


def _position_embedding(layer: layers.PositionEmbedding) -> Tuple[Parts, Bindings]:
    part = modules.PositionEmbedding(layer)
    return (part,), {f"{layer.name}.table": Binding(part.table, (0, 1))}


def _transformer_block(layer: layers.TransformerBlock) -> Tuple[Parts, Bindings]:
    block = TransformerBlock(layer)
    return (block,), block.bind(layer.name)


def _layer_norm(layer: layers.LayerNorm) -> Tuple[Parts, Bindings]:
    norm = nn.LayerNorm(layer.input_shape[-1], epsilon=layer.epsilon)
    return _on_last_axis(layer, norm), bind_norm(layer.name, norm)


def _lstm(layer: layers.Lstm) -> Tuple[Parts, Bindings]:
    # Paddle adds two biases where one would do: the second is zero and not given to the optimiser.
    # It cannot be frozen, for the gradient of the kernel wants a place for each.
    sizes = layer.input_shape[-1], layer.output_shape[-1]
    lstm = nn.LSTM(*sizes, bias_hh_attr=ParamAttr(initializer=Constant(0.0)))
    # Paddle orders the gates as the contract does, and keeps the kernels as (out, in).
    bindings = {
        f"{layer.name}.input_kernel": Binding(lstm.weight_ih_l0, (1, 0)),
        f"{layer.name}.recurrent_kernel": Binding(lstm.weight_hh_l0, (1, 0)),
        f"{layer.name}.bias": Binding(lstm.bias_ih_l0, (0,)),
    }
    return (modules.AllHiddenStates(lstm),), bindings


_WITHOUT_PARAMETERS: Dict[Type[Any], Callable[[Any], Parts]] = {
    layers.MaxPool2d: lambda layer: (nn.MaxPool2D(layer.window, layer.stride, layer.padding),),
    layers.GlobalAveragePool2d: lambda _: (modules.MeanOver(2, 3),),
    layers.Flatten: _flatten,
    layers.Patches: lambda layer: (modules.ToChannelsLast(), modules.Patches(layer)),
    layers.FirstStep: lambda _: (modules.Step(0),),
    layers.LastStep: lambda _: (modules.Step(-1),),
    layers.MeanOverSteps: lambda _: (modules.MeanOver(1),),
}

_WITH_PARAMETERS: Dict[Type[Any], Callable[[Any], Tuple[Parts, Bindings]]] = {
    layers.Dense: _dense,
    layers.Conv2d: _conv2d,
    layers.ClassToken: _class_token,
    layers.Embedding: _embedding,
    layers.PositionEmbedding: _position_embedding,
    layers.TransformerBlock: _transformer_block,
    layers.LayerNorm: _layer_norm,
    layers.Lstm: _lstm,
}
