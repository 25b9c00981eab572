"""Layers that take an image: conv2d, the pools, upsample2d, patches."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from envdoctor.child.layers import Conv2d, GlobalAveragePool2d, MaxPool2d, Patches, Upsample2d
from envdoctor.errors import InputError
from envdoctor.workload.pieces import Parameter, Piece, Place

if TYPE_CHECKING:
    from envdoctor.model.description import (
        Conv2dSpec,
        MaxPool2dSpec,
        PatchesSpec,
        Upsample2dSpec,
    )
    from envdoctor.workload.pieces import Initial


def _positions(size: int, window: int, stride: int, padding: int = 0) -> int:
    return (size + 2 * padding - window) // stride + 1


def conv2d(spec: Conv2dSpec, place: Place) -> Piece:
    """A convolution; what does not fill a stride at the far edge is dropped."""
    height, width, channels = place.image()
    out_height = _positions(height, spec.kernel, spec.stride, spec.padding)
    out_width = _positions(width, spec.kernel, spec.stride, spec.padding)
    if min(out_height, out_width) < 1:
        raise place.mismatch(
            f"an image of at least {spec.kernel - 2 * spec.padding} pixels a side",
            "Take a smaller kernel or more padding.",
        )
    layer = Conv2d(
        name=place.name,
        input_shape=place.shape,
        output_shape=(out_height, out_width, spec.filters),
        kernel=spec.kernel,
        stride=spec.stride,
        padding=spec.padding,
        activation=spec.activation,
        bias=spec.bias,
    )
    area = spec.kernel**2
    default: Initial = "he_normal" if spec.activation == "relu" else "glorot_uniform"
    kernel = Parameter(
        f"{place.name}.kernel",
        (spec.kernel, spec.kernel, channels, spec.filters),
        spec.init or default,
        area * channels,
        area * spec.filters,
    )
    bias = (Parameter(f"{place.name}.bias", (spec.filters,), "zeros"),) if spec.bias else ()
    multiply_adds = prod(layer.output_shape) * area * channels
    return Piece(layer, (kernel, *bias), (place.product(multiply_adds),))


def max_pool2d(spec: MaxPool2dSpec, place: Place) -> Piece:
    """The largest value of each window."""
    height, width, channels = place.image()
    stride = spec.stride or spec.window
    if spec.padding > spec.window // 2:
        raise InputError(
            f"{place.title} pads by {spec.padding}, more than half a window of {spec.window}.",
            "A window must hold a pixel of the image: take less `padding`.",
        )
    if min(height, width) + 2 * spec.padding < spec.window:
        raise place.mismatch(
            f"an image of at least {spec.window - 2 * spec.padding} pixels a side",
            "Take a smaller window.",
        )
    shape = (
        _positions(height, spec.window, stride, spec.padding),
        _positions(width, spec.window, stride, spec.padding),
        channels,
    )
    return Piece(
        MaxPool2d(
            name=place.name,
            input_shape=place.shape,
            output_shape=shape,
            window=spec.window,
            stride=stride,
            padding=spec.padding,
        )
    )


def upsample2d(spec: Upsample2dSpec, place: Place) -> Piece:
    """Each pixel as a square of equal ones."""
    height, width, channels = place.image()
    shape = (height * spec.factor, width * spec.factor, channels)
    return Piece(
        Upsample2d(name=place.name, input_shape=place.shape, output_shape=shape, factor=spec.factor)
    )


def global_average_pool2d(place: Place) -> Piece:
    """The mean of each channel."""
    channels = place.image()[2]
    return Piece(
        GlobalAveragePool2d(name=place.name, input_shape=place.shape, output_shape=(channels,))
    )


def patches(spec: PatchesSpec, place: Place) -> Piece:
    """An image as a sequence of square patches."""
    height, width, channels = place.image()
    if height % spec.size or width % spec.size:
        raise place.mismatch(
            f"an image whose sides are multiples of {spec.size}", "Take another patch size."
        )
    count = (height // spec.size) * (width // spec.size)
    return Piece(
        Patches(
            name=place.name,
            input_shape=place.shape,
            output_shape=(count, spec.size**2 * channels),
            size=spec.size,
        )
    )
