"""What each resolved layer is in MindSpore: its cells in order, and where its parameters lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Tuple, Type

from mindspore import nn

from envdoctor.child import layers
from envdoctor.child.contract import Unsupported
from envdoctor_mindspore import cells
from envdoctor_mindspore.activations import build_activation
from envdoctor_mindspore.parameters import (
    Binding,
    Bindings,
    bind_dense,
    bind_norm,
    bind_table,
    bind_vector,
)
from envdoctor_mindspore.transformer import TransformerBlock

if TYPE_CHECKING:
    from envdoctor.child.layers import Layer

Cells = Tuple[nn.Cell, ...]
Built = Tuple[Cells, Bindings]

CHANNELS_FIRST = (0, 3, 1, 2)
CHANNELS_LAST = (0, 2, 3, 1)


def build_layer(layer: Layer, earlier: Bindings) -> Built:
    """The cells that do what the layer says, to be run in order, and their parameters.

    Args:
        layer: to be built.
        earlier: the parameters of the layers before it.
    """
    kind = type(layer)
    if kind in _WITHOUT_PARAMETERS:
        return _WITHOUT_PARAMETERS[kind](layer), {}
    if kind in _WITH_PARAMETERS:
        return _WITH_PARAMETERS[kind](layer)
    if isinstance(layer, layers.Unembedding):
        # The table is bound already, where it was made.
        return (cells.Unembedding(earlier[f"{layer.of}.table"].parameter),), {}
    raise Unsupported(f"the mindspore backend has no layer {layer.kind}")


def _on_last_axis(layer: Layer, cell: nn.Cell) -> Cells:
    """The cell, with an image turned so that its channels are the last axis."""
    if len(layer.input_shape) == 3:
        return (cells.Transpose(*CHANNELS_LAST), cell, cells.Transpose(*CHANNELS_FIRST))
    return (cell,)


def _activate(name: str) -> Cells:
    return () if name == "none" else (build_activation(name),)


def _dense(layer: layers.Dense) -> Built:
    dense = nn.Dense(layer.input_shape[-1], layer.output_shape[-1], has_bias=layer.bias)
    steps = (*_on_last_axis(layer, dense), *_activate(layer.activation))
    return steps, bind_dense(layer.name, dense)


def _conv2d(layer: layers.Conv2d) -> Built:
    conv = nn.Conv2d(
        layer.input_shape[-1],
        layer.output_shape[-1],
        layer.kernel,
        stride=layer.stride,
        pad_mode="pad",
        padding=layer.padding,
        has_bias=layer.bias,
    )
    # MindSpore keeps the kernel as (out, in, height, width).
    bindings = {f"{layer.name}.kernel": Binding(conv.weight, (3, 2, 0, 1))}
    if layer.bias:
        bindings.update(bind_vector(f"{layer.name}.bias", conv.bias))
    return (conv, *_activate(layer.activation)), bindings


def _flatten(layer: layers.Flatten) -> Cells:
    if len(layer.input_shape) == 3:
        return (cells.Transpose(*CHANNELS_LAST), nn.Flatten())
    return (nn.Flatten(),)


def _class_token(layer: layers.ClassToken) -> Built:
    cell = cells.ClassToken(layer)
    return (cell,), bind_vector(f"{layer.name}.token", cell.token)


def _embedding(layer: layers.Embedding) -> Built:
    embedding = nn.Embedding(layer.symbols, layer.output_shape[-1])
    return (embedding,), bind_table(f"{layer.name}.table", embedding.embedding_table)


def _position_embedding(layer: layers.PositionEmbedding) -> Built:
    cell = cells.PositionEmbedding(layer)
    return (cell,), bind_table(f"{layer.name}.table", cell.table)


def _transformer_block(layer: layers.TransformerBlock) -> Built:
    block = TransformerBlock(layer)
    return (block,), block.bind(layer.name)


def _layer_norm(layer: layers.LayerNorm) -> Built:
    norm = nn.LayerNorm((layer.input_shape[-1],), epsilon=layer.epsilon)
    return _on_last_axis(layer, norm), bind_norm(layer.name, norm)


def _lstm(layer: layers.Lstm) -> Built:
    lstm = nn.LSTM(layer.input_shape[-1], layer.output_shape[-1], batch_first=True)
    found = {parameter.name: parameter for parameter in lstm.get_parameters()}
    # MindSpore adds two biases where one would do: the second is zero and stays so.
    second = found["bias_hh_l0"]
    second.set_data(second * 0)
    second.requires_grad = False
    # MindSpore orders the gates as the contract does, and keeps the kernels as (out, in).
    bindings = {
        f"{layer.name}.input_kernel": Binding(found["weight_ih_l0"], (1, 0)),
        f"{layer.name}.recurrent_kernel": Binding(found["weight_hh_l0"], (1, 0)),
        **bind_vector(f"{layer.name}.bias", found["bias_ih_l0"]),
    }
    return (cells.AllHiddenStates(lstm),), bindings


_WITHOUT_PARAMETERS: Dict[Type[Any], Callable[[Any], Cells]] = {
    layers.MaxPool2d: lambda layer: (
        nn.MaxPool2d(layer.window, layer.stride, pad_mode="pad", padding=layer.padding),
    ),
    layers.GlobalAveragePool2d: lambda _: (cells.MeanOver(2, 3),),
    layers.Flatten: _flatten,
    layers.Patches: lambda layer: (cells.Patches(layer),),
    layers.FirstStep: lambda _: (cells.Step(0),),
    layers.LastStep: lambda _: (cells.Step(-1),),
    layers.MeanOverSteps: lambda _: (cells.MeanOver(1),),
}

_WITH_PARAMETERS: Dict[Type[Any], Callable[[Any], Built]] = {
    layers.Dense: _dense,
    layers.Conv2d: _conv2d,
    layers.ClassToken: _class_token,
    layers.Embedding: _embedding,
    layers.PositionEmbedding: _position_embedding,
    layers.TransformerBlock: _transformer_block,
    layers.LayerNorm: _layer_norm,
    layers.Lstm: _lstm,
}
