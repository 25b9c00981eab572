"""Layers that take any numbers: dense, flatten, the norms."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from envdoctor.child.layers import BatchNorm, Dense, Flatten, LayerNorm
from envdoctor.workload.pieces import Parameter, Piece, Place

if TYPE_CHECKING:
    from envdoctor.model.description import BatchNormSpec, DenseSpec

NORM_EPSILON = 1e-5
"""The epsilon of every normalisation: the default of most frameworks, not of Keras (1e-3)."""
NORM_MOMENTUM = 0.9
"""The share of its running statistics that a batch norm keeps in a step: 0.1 in torch's words,
which name the other share; Keras and Flax by default keep 0.99."""


def dense(spec: DenseSpec, place: Place) -> Piece:
    """Dense over the last axis: the same kernel at each step of a sequence."""
    shape = place.numbers()
    if len(shape) > 2:
        raise place.mismatch("a vector or a sequence", "Put a `flatten` before it.")
    width = shape[-1]
    layer = Dense(
        name=place.name,
        input_shape=shape,
        output_shape=(*shape[:-1], spec.units),
        activation=spec.activation,
        bias=spec.bias,
    )
    kernel = Parameter(f"{place.name}.kernel", (width, spec.units), spec.init, width, spec.units)
    bias = (Parameter(f"{place.name}.bias", (spec.units,), "zeros"),) if spec.bias else ()
    return Piece(layer, (kernel, *bias), (place.product(prod(shape) * spec.units),))


def flatten(place: Place) -> Piece:
    """Everything into one axis."""
    shape = place.numbers()
    return Piece(Flatten(name=place.name, input_shape=shape, output_shape=(prod(shape),)))


def layer_norm(place: Place) -> Piece:
    """Layer normalisation over the last axis."""
    shape = place.numbers()
    layer = LayerNorm(name=place.name, input_shape=shape, output_shape=shape, epsilon=NORM_EPSILON)
    return Piece(layer, norm_parameters(place.name, shape[-1]))


def batch_norm(spec: BatchNormSpec, place: Place) -> Piece:
    """Batch normalisation of the channels of an image, or of the values of a vector."""
    shape = place.numbers()
    if len(shape) == 2:
        raise place.mismatch("a vector or an image", "`layer_norm` is for sequences.")
    layer = BatchNorm(
        name=place.name,
        input_shape=shape,
        output_shape=shape,
        activation=spec.activation,
        epsilon=NORM_EPSILON,
        momentum=NORM_MOMENTUM,
    )
    return Piece(layer, norm_parameters(place.name, shape[-1]))


def norm_parameters(name: str, width: int) -> tuple[Parameter, Parameter]:
    """The scale and offset of a normalisation called `name`."""
    return (
        Parameter(f"{name}.scale", (width,), "ones"),
        Parameter(f"{name}.offset", (width,), "zeros"),
    )
