"""Small workloads of every family, with weights, data and trainers for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pytest

from envdoctor.child import layers
from envdoctor.child.contract import (
    Array,
    Data,
    Job,
    Optimizer,
    Setting,
    Variation,
    Workload,
)
from envdoctor_numpy.trainer import Trainer

MOMENTUM = Optimizer("sgd", 0.05, momentum=0.9)


def _dense(name: str, wide: int, into: int, activation: str = "none", *steps: int) -> layers.Dense:
    return layers.Dense(name, (*steps, wide), (*steps, into), activation, bias=True)


def _block(
    name: str, shape: layers.Shape, *, causal: bool, activation: str
) -> layers.TransformerBlock:
    scale = 1 / math.sqrt(shape[-1] // 2)
    return layers.TransformerBlock(name, shape, shape, 2, 20, causal, activation, 1e-5, scale)


def _mlp() -> Workload:
    parts = (_dense("one", 7, 9, "relu"), _dense("two", 9, 8, "tanh"), _dense("three", 8, 3))
    return Workload("mlp", parts, "cross_entropy", 6, (7,))


def _cnn() -> Workload:
    parts = (
        layers.Conv2d("one", (8, 6, 2), (4, 3, 5), 3, 2, 1, "relu", bias=True),
        layers.Conv2d("two", (4, 3, 5), (4, 3, 4), 3, 1, 1, "gelu_erf", bias=True),
        layers.MaxPool2d("pool", (4, 3, 4), (2, 1, 4), 2, 2),
        layers.Flatten("flatten", (2, 1, 4), (8,)),
        _dense("head", 8, 3),
    )
    return Workload("cnn", parts, "cross_entropy", 6, (8, 6, 2))


def _images() -> Workload:
    parts = (
        layers.Conv2d("one", (5, 6, 2), (5, 6, 3), 3, 1, 1, "sigmoid", bias=True),
        layers.LayerNorm("norm", (5, 6, 3), (5, 6, 3), 1e-3),
        layers.Conv2d("two", (5, 6, 3), (5, 6, 2), 3, 1, 1, "none", bias=False),
    )
    return Workload("images", parts, "mean_squared_error", 4, (5, 6, 2))


def _resnet() -> Workload:
    shapes = (6, 6, 3), (3, 3, 5), (3, 3, 8)
    parts = (
        layers.Conv2d("stem", (6, 6, 2), shapes[0], 3, 1, 1, "none", bias=False),
        layers.BatchNorm("norm", shapes[0], shapes[0], "relu", 1e-5, 0.9),
        layers.ResidualBlock(
            "plain", shapes[0], shapes[1], "basic", 5, 2, "padding", "tanh", 1e-5, 0.9
        ),
        layers.ResidualBlock(
            "deep", shapes[1], shapes[2], "bottleneck", 2, 1, "projection", "tanh", 1e-5, 0.9
        ),
        layers.GlobalAveragePool2d("pool", shapes[2], (8,)),
        layers.BatchNorm("top", (8,), (8,), "tanh", 1e-5, 0.9),
        _dense("head", 8, 3),
    )
    return Workload("resnet", parts, "cross_entropy", 6, (6, 6, 2))


def _decoder() -> Workload:
    parts = (
        layers.Embedding("embedding", (5,), (5, 8), 11),
        layers.PositionEmbedding("position", (5, 8), (5, 8)),
        _block("block", (5, 8), causal=True, activation="gelu_tanh"),
        _block("top", (5, 8), causal=True, activation="gelu_tanh"),
        layers.LayerNorm("norm", (5, 8), (5, 8), 1e-5),
        layers.Unembedding("head", (5, 8), (5, 11), "embedding"),
    )
    return Workload("decoder", parts, "cross_entropy", 4, (5,), 11)


def _vit() -> Workload:
    parts = (
        layers.Patches("patches", (4, 6, 1), (6, 4), 2),
        _dense("embedding", 4, 8, "none", 6),
        layers.ClassToken("token", (6, 8), (7, 8)),
        _block("block", (7, 8), causal=False, activation="gelu_erf"),
        layers.FirstStep("first", (7, 8), (8,)),
        _dense("head", 8, 3),
    )
    return Workload("vit", parts, "cross_entropy", 4, (4, 6, 1))


def _lstm() -> Workload:
    parts = (
        layers.Lstm("lstm", (4, 3), (4, 6)),
        layers.LastStep("last", (4, 6), (6,)),
        _dense("head", 6, 3),
    )
    return Workload("lstm", parts, "cross_entropy", 6, (4, 3))


_WORKLOADS = {
    make.__name__[1:]: make for make in (_mlp, _cnn, _images, _resnet, _decoder, _vit, _lstm)
}


def _dense_shapes(wide: int, into: int, prefix: str = "") -> dict[str, layers.Shape]:
    return {f"{prefix}kernel": (wide, into), f"{prefix}bias": (into,)}


def _norm_shapes(width: int, prefix: str = "") -> dict[str, layers.Shape]:
    return {f"{prefix}scale": (width,), f"{prefix}offset": (width,)}


def _block_shapes(width: int, hidden: int) -> dict[str, layers.Shape]:
    return {
        **_norm_shapes(width, "attention_norm."),
        **_dense_shapes(width, 3 * width, "qkv."),
        **_dense_shapes(width, width, "projection."),
        **_norm_shapes(width, "mlp_norm."),
        **_dense_shapes(width, hidden, "expand."),
        **_dense_shapes(hidden, width, "contract."),
    }


def _lstm_shapes(wide: int, units: int) -> dict[str, layers.Shape]:
    columns = 4 * units
    return {
        "input_kernel": (wide, columns),
        "recurrent_kernel": (units, columns),
        "bias": (columns,),
    }


def _conv_shapes(size: int, wide: int, into: int) -> dict[str, layers.Shape]:
    return {"kernel": (size, size, wide, into), "bias": (into,)}


def _residual_shapes(layer: layers.ResidualBlock) -> dict[str, layers.Shape]:
    projection = layer.projection()
    parts = (*layer.branch(), *([projection] if projection else []))
    shapes: dict[str, layers.Shape] = {}
    for conv, norm in parts:
        wide, into = conv.input_shape[-1], conv.output_shape[-1]
        prefix = conv.name.removeprefix(f"{layer.name}.")
        shapes[f"{prefix}.kernel"] = (conv.kernel, conv.kernel, wide, into)
        shapes |= _norm_shapes(into, norm.name.removeprefix(f"{layer.name}.") + ".")
    return shapes


_SHAPES: dict[type, Callable[[Any, int, int], dict[str, layers.Shape]]] = {
    layers.Dense: lambda _, wide, into: _dense_shapes(wide, into),
    layers.Conv2d: lambda layer, wide, into: _conv_shapes(layer.kernel, wide, into),
    layers.LayerNorm: lambda _, wide, __: _norm_shapes(wide),
    layers.BatchNorm: lambda _, wide, __: _norm_shapes(wide),
    layers.ResidualBlock: lambda layer, *_: _residual_shapes(layer),
    layers.ClassToken: lambda _, wide, __: {"token": (wide,)},
    layers.Embedding: lambda layer, _, into: {"table": (layer.symbols, into)},
    layers.PositionEmbedding: lambda layer, *_: {"table": layer.input_shape},
    layers.Lstm: lambda _, wide, into: _lstm_shapes(wide, into),
    layers.TransformerBlock: lambda layer, wide, _: _block_shapes(wide, layer.hidden),
}


def _shapes(layer: layers.Layer) -> dict[str, layers.Shape]:
    """The parameters of a layer and their shapes, as the contract names them."""
    if type(layer) not in _SHAPES:
        return {}
    shapes = _SHAPES[type(layer)](layer, layer.input_shape[-1], layer.output_shape[-1])
    if not getattr(layer, "bias", True):
        del shapes["bias"]
    return shapes


def _weights(parts: Iterable[layers.Layer], seed: int = 0) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {
        f"{layer.name}.{name}": random.normal(size=shape, scale=0.5) + (name.endswith("scale"))
        for layer in parts
        for name, shape in _shapes(layer).items()
    }


def _data(workload: Workload, seed: int = 1) -> Data:
    random = np.random.default_rng(seed)
    outputs = workload.layers[-1].output_shape

    def inputs(samples: int) -> Array:
        shape = (samples, *workload.input_shape)
        if workload.symbols is None:
            return random.normal(size=shape)
        return random.integers(workload.symbols, size=shape, dtype=np.int32)

    def targets(samples: int) -> Array:
        if workload.loss == "cross_entropy":
            shape = (samples, *outputs[:-1])
            return random.integers(outputs[-1], size=shape, dtype=np.int32)
        return random.normal(size=(samples, *outputs))

    batches = random.integers(20, size=(5, workload.batch), dtype=np.int32)
    return Data(inputs(20), targets(20), inputs(11), targets(11), batches)


@pytest.fixture(scope="session")
def workload() -> Callable[[str], Workload]:
    """A small workload by the name of its family."""
    return lambda name: _WORKLOADS[name]()


@pytest.fixture(scope="session")
def weights() -> Callable[[Iterable[layers.Layer]], dict[str, Array]]:
    """Random weights for layers."""
    return _weights


@pytest.fixture(scope="session")
def data() -> Callable[[Workload], Data]:
    """Random data for a workload."""
    return _data


@pytest.fixture(scope="session")
def trainer() -> Callable[..., Trainer]:
    """A trainer with staged data."""

    def make(
        workload: Workload,
        precision: str = "fp64",
        optimizer: Optimizer = MOMENTUM,
        variation: Variation | None = None,
        initial: Mapping[str, Array] | None = None,
    ) -> Trainer:
        setting = Setting("numpy", precision)
        Trainer.start(setting)
        job = Job(workload, optimizer, setting, variation)
        made = Trainer(job, initial or _weights(workload.layers))
        made.stage(_data(workload))
        return made

    return make
