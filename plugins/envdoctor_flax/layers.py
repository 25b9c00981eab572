"""What each resolved layer is in Flax NNX, and where it keeps its canonical parameters.

Each function takes the layer and the options that every module of Flax is made with.
"""

from __future__ import annotations

from functools import partial
from math import isclose
from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple, Tuple

from flax import nnx

from envdoctor.child.contract import Unsupported
from envdoctor_flax.modules import (
    Activated,
    ClassToken,
    Lstm,
    PositionEmbedding,
    TransformerBlock,
)

if TYPE_CHECKING:
    import jax

    from envdoctor.child import layers as kinds

Paths = Dict[str, Tuple[str, ...]]


class Made(NamedTuple):
    """A module, or any other callable, and where it keeps each of its canonical parameters.

    Several paths, one after the other, are equal parts of the parameter's last axis.
    """

    module: Any
    paths: Paths


Make = Callable[[Any, Dict[str, Any]], Made]


def _dense(layer: kinds.Dense, options: Dict[str, Any]) -> Made:
    width = layer.input_shape[-1], layer.output_shape[-1]
    inner = nnx.Linear(*width, use_bias=layer.bias, **options)
    return _activated(layer, inner)


def _conv2d(layer: kinds.Conv2d, options: Dict[str, Any]) -> Made:
    inner = nnx.Conv(
        layer.input_shape[-1],
        layer.output_shape[-1],
        (layer.kernel, layer.kernel),
        strides=layer.stride,
        padding=[(layer.padding, layer.padding)] * 2,
        use_bias=layer.bias,
        **options,
    )
    return _activated(layer, inner)


def _activated(layer: Any, inner: Any) -> Made:
    paths: Paths = {
        "kernel": ("inner.kernel",),
        **({"bias": ("inner.bias",)} if layer.bias else {}),
    }
    return Made(Activated(inner, layer.activation), paths)


def _max_pool2d(layer: kinds.MaxPool2d, _: Dict[str, Any]) -> Made:
    pool = partial(
        nnx.max_pool,
        window_shape=(layer.window, layer.window),
        strides=(layer.stride, layer.stride),
        padding=[(layer.padding, layer.padding)] * 2,
    )
    return Made(pool, {})


def _global_average_pool2d(_: kinds.GlobalAveragePool2d, __: Dict[str, Any]) -> Made:
    return Made(lambda x: x.mean(axis=(1, 2)), {})


def _flatten(_: kinds.Flatten, __: Dict[str, Any]) -> Made:
    return Made(lambda x: x.reshape(x.shape[0], -1), {})


def _patches(layer: kinds.Patches, _: Dict[str, Any]) -> Made:
    height, width, channels = layer.input_shape
    size = layer.size
    squares = (height // size, size, width // size, size, channels)

    def cut(x: jax.Array) -> jax.Array:
        x = x.reshape(x.shape[0], *squares).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape(x.shape[0], *layer.output_shape)

    return Made(cut, {})


def _class_token(layer: kinds.ClassToken, options: Dict[str, Any]) -> Made:
    module = ClassToken(layer.output_shape[-1], options["param_dtype"])
    return Made(module, {"token": ("token",)})


def _embedding(layer: kinds.Embedding, options: Dict[str, Any]) -> Made:
    module = nnx.Embed(layer.symbols, layer.output_shape[-1], **options)
    return Made(module, {"table": ("embedding",)})


def _position_embedding(layer: kinds.PositionEmbedding, options: Dict[str, Any]) -> Made:
    module = PositionEmbedding(layer.output_shape, options["param_dtype"])
    return Made(module, {"table": ("table",)})


def _layer_norm(layer: kinds.LayerNorm, options: Dict[str, Any]) -> Made:
    module = nnx.LayerNorm(layer.output_shape[-1], epsilon=layer.epsilon, **options)
    return Made(module, {"scale": ("scale",), "offset": ("bias",)})


def _transformer_block(layer: kinds.TransformerBlock, options: Dict[str, Any]) -> Made:
    head_width = layer.output_shape[-1] // layer.heads
    if not isclose(layer.scale, head_width**-0.5):
        raise Unsupported(
            f"layer {layer.name}: the attention of Flax always divides its scores by the root of "
            "the head width"
        )
    paths: Paths = {
        f"qkv.{part}": tuple(f"attention.{each}.{part}" for each in ("query", "key", "value"))
        for part in ("kernel", "bias")
    }
    homes = {"projection": "attention.out", "expand": "expand", "contract": "contract"}
    for name, home in homes.items():
        paths.update({f"{name}.{part}": (f"{home}.{part}",) for part in ("kernel", "bias")})
    for norm in ("attention_norm", "mlp_norm"):
        paths.update({f"{norm}.scale": (f"{norm}.scale",), f"{norm}.offset": (f"{norm}.bias",)})
    return Made(TransformerBlock(layer, options["param_dtype"], options["rngs"]), paths)


def _lstm(layer: kinds.Lstm, options: Dict[str, Any]) -> Made:
    # The gates are in the canonical order, and only the product with the state has a bias.
    paths: Paths = {
        "input_kernel": ("rnn.cell.dense_i.kernel",),
        "recurrent_kernel": ("rnn.cell.dense_h.kernel",),
        "bias": ("rnn.cell.dense_h.bias",),
    }
    return Made(Lstm(layer, options["param_dtype"], options["rngs"]), paths)


def _first_step(_: kinds.FirstStep, __: Dict[str, Any]) -> Made:
    return Made(lambda x: x[:, 0], {})


def _last_step(_: kinds.LastStep, __: Dict[str, Any]) -> Made:
    return Made(lambda x: x[:, -1], {})


def _mean_over_steps(_: kinds.MeanOverSteps, __: Dict[str, Any]) -> Made:
    return Made(lambda x: x.mean(axis=1), {})


MAKE: Dict[str, Make] = {
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
}
