"""Layers that take symbols or a sequence: embeddings, the class token, the choice of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.child.layers import (
    ClassToken,
    Embedding,
    FirstStep,
    LastStep,
    MeanOverSteps,
    PositionEmbedding,
    Unembedding,
)
from envdoctor.workload.pieces import Parameter, Piece, Place

if TYPE_CHECKING:
    from envdoctor.model.description import EmbeddingSpec


def embedding(spec: EmbeddingSpec, place: Place) -> Piece:
    """A vector for each symbol; a gather, so it counts no multiply-adds."""
    if place.symbols is None:
        raise place.mismatch("symbols", 'Set `view = "tokens"`.')
    layer = Embedding(
        name=place.name,
        input_shape=place.shape,
        output_shape=(*place.shape, spec.width),
        symbols=place.symbols,
    )
    table = Parameter(f"{place.name}.table", (place.symbols, spec.width), "normal")
    return Piece(layer, (table,))


def unembedding(place: Place) -> Piece:
    """Scores by the table of the latest embedding."""
    steps, width = place.sequence()
    if not place.embeddings:
        raise place.mismatch("an `embedding` before it", "Its table is shared.")
    name, (symbols, table_width) = list(place.embeddings.items())[-1]
    if width != table_width:
        raise place.mismatch(
            f"steps of {table_width}, the width of `{name}`",
            "The table is shared, so widths agree.",
        )
    layer = Unembedding(
        name=place.name, input_shape=place.shape, output_shape=(steps, symbols), of=name
    )
    return Piece(layer, (), (place.product(steps * width * symbols),))


def position_embedding(place: Place) -> Piece:
    """A vector added to each step."""
    shape = place.sequence()
    layer = PositionEmbedding(name=place.name, input_shape=shape, output_shape=shape)
    return Piece(layer, (Parameter(f"{place.name}.table", shape, "normal"),))


def class_token(place: Place) -> Piece:
    """One more step, before the others."""
    steps, width = place.sequence()
    layer = ClassToken(name=place.name, input_shape=place.shape, output_shape=(steps + 1, width))
    return Piece(layer, (Parameter(f"{place.name}.token", (width,), "normal"),))


def first_step(place: Place) -> Piece:
    """The first step."""
    _, width = place.sequence()
    return Piece(FirstStep(name=place.name, input_shape=place.shape, output_shape=(width,)))


def last_step(place: Place) -> Piece:
    """The last step."""
    _, width = place.sequence()
    return Piece(LastStep(name=place.name, input_shape=place.shape, output_shape=(width,)))


def mean_over_steps(place: Place) -> Piece:
    """The mean of the steps."""
    _, width = place.sequence()
    return Piece(MeanOverSteps(name=place.name, input_shape=place.shape, output_shape=(width,)))
