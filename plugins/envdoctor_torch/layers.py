"""What each resolved layer is in torch: its modules in order, and where its parameters lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Tuple, Type

import torch
from torch import nn

from envdoctor.child import layers
from envdoctor.child.contract import Unsupported
from envdoctor_torch import modules
from envdoctor_torch.activations import build_activation
from envdoctor_torch.parameters import (
    Binding,
    Bindings,
    bind_linear,
    bind_norm,
    bind_table,
    bind_vector,
)
from envdoctor_torch.residual import PaddedShortcut, ResidualBlock
from envdoctor_torch.transformer import TransformerBlock

if TYPE_CHECKING:
    from envdoctor.child.layers import Layer
    from envdoctor_torch.place import Place

Modules = Tuple[nn.Module, ...]


def build_layer(layer: Layer, place: Place) -> Tuple[Modules, Bindings]:
    """The modules that do what the layer says, to be run in order, and their parameters."""
    kind = type(layer)
    if kind in _WITHOUT_PARAMETERS:
        return _WITHOUT_PARAMETERS[kind](layer), {}
    if kind in _WITH_PARAMETERS:
        return _WITH_PARAMETERS[kind](layer, place)
    raise Unsupported(f"the torch backend has no layer {layer.kind}")


def _on_last_axis(layer: Layer, module: nn.Module) -> Modules:
    """The module, with an image turned so that its channels are the last axis."""
    if len(layer.input_shape) == 3:
        return (modules.ToChannelsLast(), module, modules.ToChannelsFirst())
    return (module,)


def _activate(name: str) -> Modules:
    return () if name == "none" else (build_activation(name),)


def _dense(layer: layers.Dense, place: Place) -> Tuple[Modules, Bindings]:
    sizes = layer.input_shape[-1], layer.output_shape[-1]
    linear = place.make(nn.Linear, *sizes, bias=layer.bias)
    steps = (*_on_last_axis(layer, linear), *_activate(layer.activation))
    return steps, bind_linear(layer.name, linear)


def _conv2d(layer: layers.Conv2d, place: Place) -> Tuple[Modules, Bindings]:
    conv = place.make(
        nn.Conv2d,
        layer.input_shape[-1],
        layer.output_shape[-1],
        kernel_size=layer.kernel,
        stride=layer.stride,
        padding=layer.padding,
        bias=layer.bias,
    ).to(memory_format=torch.channels_last)
    # torch keeps the kernel as (out, in, height, width).
    bindings = {f"{layer.name}.kernel": Binding(conv.weight, (3, 2, 0, 1))}
    if layer.bias:
        bindings.update(bind_vector(f"{layer.name}.bias", conv.bias))
    return (conv, *_activate(layer.activation)), bindings


def _batch_norm(layer: layers.BatchNorm, place: Place) -> Tuple[Modules, Bindings]:
    kind = nn.BatchNorm2d if len(layer.input_shape) == 3 else nn.BatchNorm1d
    # torch's momentum is the share of the new value, the contract's that of the old one.
    momentum = 1 - layer.momentum
    norm = place.make(kind, layer.input_shape[-1], eps=layer.epsilon, momentum=momentum)
    norm.reset_running_stats()
    return (norm, *_activate(layer.activation)), bind_norm(layer.name, norm)


def _residual_block(layer: layers.ResidualBlock, place: Place) -> Tuple[Modules, Bindings]:
    bindings: Bindings = {}

    def build(*parts: layers.ConvNorm) -> nn.Sequential:
        steps: Modules = ()
        for conv, norm in parts:
            for modules_, bound in (_conv2d(conv, place), _batch_norm(norm, place)):
                steps += modules_
                bindings.update(bound)
        return nn.Sequential(*steps)

    branch, projection = build(*layer.branch()), layer.projection()
    shortcut: nn.Module = nn.Identity()
    if projection is not None:
        shortcut = build(projection)
    elif layer.shortcut == "padding":
        shortcut = PaddedShortcut(layer)
    activation = nn.Sequential(*_activate(layer.activation))
    return (ResidualBlock(branch, shortcut, activation),), bindings


def _flatten(layer: layers.Flatten) -> Modules:
    if len(layer.input_shape) == 3:
        return (modules.ToChannelsLast(), nn.Flatten())
    return (nn.Flatten(),)


def _class_token(layer: layers.ClassToken, place: Place) -> Tuple[Modules, Bindings]:
    module = modules.ClassToken(layer, place)
    return (module,), bind_vector(f"{layer.name}.token", module.token)


def _embedding(layer: layers.Embedding, place: Place) -> Tuple[Modules, Bindings]:
    embedding = place.make(nn.Embedding, layer.symbols, layer.output_shape[-1])
    return (embedding,), bind_table(f"{layer.name}.table", embedding.weight)


def _position_embedding(layer: layers.PositionEmbedding, place: Place) -> Tuple[Modules, Bindings]:
    module = modules.PositionEmbedding(layer, place)
    return (module,), bind_table(f"{layer.name}.table", module.table)


def _transformer_block(layer: layers.TransformerBlock, place: Place) -> Tuple[Modules, Bindings]:
    block = TransformerBlock(layer, place)
    return (block,), block.bind(layer.name)


def _layer_norm(layer: layers.LayerNorm, place: Place) -> Tuple[Modules, Bindings]:
    norm = place.make(nn.LayerNorm, layer.input_shape[-1], eps=layer.epsilon)
    return _on_last_axis(layer, norm), bind_norm(layer.name, norm)


def _lstm(layer: layers.Lstm, place: Place) -> Tuple[Modules, Bindings]:
    sizes = layer.input_shape[-1], layer.output_shape[-1]
    lstm = place.make(nn.LSTM, *sizes, batch_first=True)
    # torch adds two biases where one would do: the second is zero and stays so.
    nn.init.zeros_(lstm.bias_hh_l0)
    lstm.bias_hh_l0.requires_grad = False
    # torch orders the gates as the contract does, and keeps the kernels as (out, in).
    bindings = {
        f"{layer.name}.input_kernel": Binding(lstm.weight_ih_l0, (1, 0)),
        f"{layer.name}.recurrent_kernel": Binding(lstm.weight_hh_l0, (1, 0)),
        **bind_vector(f"{layer.name}.bias", lstm.bias_ih_l0),
    }
    return (modules.AllHiddenStates(lstm),), bindings


def _unembedding(layer: layers.Unembedding, place: Place) -> Tuple[Modules, Bindings]:
    # The table is bound already, where it was made.
    return (modules.Unembedding(place.earlier[f"{layer.of}.table"].parameter),), {}


_WITHOUT_PARAMETERS: Dict[Type[Any], Callable[[Any], Modules]] = {
    layers.MaxPool2d: lambda layer: (nn.MaxPool2d(layer.window, layer.stride, layer.padding),),
    layers.GlobalAveragePool2d: lambda _: (modules.MeanOver(2, 3),),
    layers.Upsample2d: lambda layer: (nn.Upsample(scale_factor=layer.factor),),
    layers.Flatten: _flatten,
    layers.Patches: lambda layer: (modules.ToChannelsLast(), modules.Patches(layer)),
    layers.FirstStep: lambda _: (modules.Step(0),),
    layers.LastStep: lambda _: (modules.Step(-1),),
    layers.MeanOverSteps: lambda _: (modules.MeanOver(1),),
}

_WITH_PARAMETERS: Dict[Type[Any], Callable[[Any, Place], Tuple[Modules, Bindings]]] = {
    layers.Dense: _dense,
    layers.Conv2d: _conv2d,
    layers.BatchNorm: _batch_norm,
    layers.ResidualBlock: _residual_block,
    layers.ClassToken: _class_token,
    layers.Embedding: _embedding,
    layers.PositionEmbedding: _position_embedding,
    layers.TransformerBlock: _transformer_block,
    layers.LayerNorm: _layer_norm,
    layers.Lstm: _lstm,
    layers.Unembedding: _unembedding,
}
