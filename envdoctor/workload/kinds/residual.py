"""The residual block of ResNets (He et al. 2016)."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from envdoctor.child.layers import ResidualBlock
from envdoctor.workload.kinds.plain import NORM_EPSILON, NORM_MOMENTUM, norm_parameters
from envdoctor.workload.pieces import Parameter, Piece, Place, Product

if TYPE_CHECKING:
    from envdoctor.child.layers import Conv2d, ConvNorm
    from envdoctor.model.description import ResidualBlockSpec

EXPANSION = 4
"""How many times more channels than `filters` a bottleneck yields."""


def residual_block(spec: ResidualBlockSpec, place: Place) -> Piece:
    """A block of two 3x3 convolutions, or a bottleneck that strides in its 3x3 (v1.5)."""
    height, width, channels = place.image()
    wide = spec.filters * (EXPANSION if spec.form == "bottleneck" else 1)
    shape = (-(-height // spec.stride), -(-width // spec.stride), wide)
    shortcut = "identity" if shape == place.shape else spec.shortcut
    if shortcut == "padding" and wide < channels:
        raise place.mismatch(
            f"an image with {wide} channels or fewer",
            'Zeros can only add channels: take more `filters`, or the shortcut "projection".',
        )
    layer = ResidualBlock(
        name=place.name,
        input_shape=place.shape,
        output_shape=shape,
        form=spec.form,
        filters=spec.filters,
        stride=spec.stride,
        shortcut=shortcut,
        activation=spec.activation,
        epsilon=NORM_EPSILON,
        momentum=NORM_MOMENTUM,
    )
    projection = layer.projection()
    inner = layer.branch()
    parts = inner if projection is None else (*inner, projection)
    first = {inner[0][0].name} | ({projection[0].name} if projection else set())
    products = tuple(
        place.product(_multiply_adds(conv))
        if conv.name in first
        else Product(_multiply_adds(conv), 2 * _multiply_adds(conv))
        for conv, _ in parts
    )
    parameters = tuple(parameter for part in parts for parameter in _parameters(part))
    return Piece(layer, parameters, products)


def _parameters(part: ConvNorm) -> tuple[Parameter, ...]:
    conv, norm = part
    channels, filters = conv.input_shape[-1], conv.output_shape[-1]
    area = conv.kernel**2
    shape = (conv.kernel, conv.kernel, channels, filters)
    kernel = Parameter(f"{conv.name}.kernel", shape, "he_normal", area * channels, area * filters)
    return (kernel, *norm_parameters(norm.name, filters))


def _multiply_adds(conv: Conv2d) -> int:
    return prod(conv.output_shape) * conv.kernel**2 * conv.input_shape[-1]
