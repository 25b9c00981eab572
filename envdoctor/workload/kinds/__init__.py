"""The layer kinds: one function a kind, which says what a layer of it is at a given place."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from envdoctor.model import description as d
from envdoctor.workload.kinds import attention, images, plain, recurrent, residual, sequences

if TYPE_CHECKING:
    from envdoctor.workload.pieces import Piece, Place


def resolve_layer(spec: d.AnyLayerSpec, place: Place) -> Piece:  # noqa: C901, PLR0911, PLR0912  one line a kind
    """What the layer is at this place.

    Raises:
        InputError: a layer of this kind cannot stand here.
    """
    match spec:
        case d.DenseSpec():
            return plain.dense(spec, place)
        case d.FlattenSpec():
            return plain.flatten(place)
        case d.LayerNormSpec():
            return plain.layer_norm(place)
        case d.Conv2dSpec():
            return images.conv2d(spec, place)
        case d.MaxPool2dSpec():
            return images.max_pool2d(spec, place)
        case d.GlobalAveragePool2dSpec():
            return images.global_average_pool2d(place)
        case d.Upsample2dSpec():
            return images.upsample2d(spec, place)
        case d.BatchNormSpec():
            return plain.batch_norm(spec, place)
        case d.ResidualBlockSpec():
            return residual.residual_block(spec, place)
        case d.PatchesSpec():
            return images.patches(spec, place)
        case d.EmbeddingSpec():
            return sequences.embedding(spec, place)
        case d.UnembeddingSpec():
            return sequences.unembedding(place)
        case d.PositionEmbeddingSpec():
            return sequences.position_embedding(place)
        case d.ClassTokenSpec():
            return sequences.class_token(place)
        case d.FirstStepSpec():
            return sequences.first_step(place)
        case d.LastStepSpec():
            return sequences.last_step(place)
        case d.MeanOverStepsSpec():
            return sequences.mean_over_steps(place)
        case d.TransformerBlockSpec():
            return attention.transformer_block(spec, place)
        case d.LstmSpec():
            return recurrent.lstm(spec, place)
        case _:
            assert_never(spec)
