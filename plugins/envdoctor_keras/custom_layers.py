"""The few layers that Keras lacks, written as its guide to custom layers does."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class ClassToken(keras.layers.Layer):
    """Puts one learned vector before each sequence."""

    def build(self, input_shape: Any) -> None:
        """Make the vector, (1, 1, width)."""
        self.token = self.add_weight(shape=(1, 1, input_shape[-1]), name="token")

    def call(self, inputs: Any) -> Any:
        """(batch, steps, width) to (batch, 1 + steps, width)."""
        shape = (ops.shape(inputs)[0], 1, inputs.shape[-1])
        return ops.concatenate([ops.broadcast_to(self.token, shape), inputs], axis=1)


class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector to each step."""

    def build(self, input_shape: Any) -> None:
        """Make the table, (steps, width)."""
        self.table = self.add_weight(shape=tuple(input_shape[-2:]), name="table")

    def call(self, inputs: Any) -> Any:
        """Add the table to every sequence."""
        return inputs + self.table


class Unembedding(keras.layers.Layer):
    """Multiplies by the transposed table of an embedding layer."""

    def __init__(self, embedding: Any) -> None:
        """Share the table of `embedding`."""
        super().__init__()
        self.embedding = embedding

    def call(self, inputs: Any) -> Any:
        """(batch, steps, width) to (batch, steps, symbols)."""
        return ops.matmul(inputs, ops.transpose(self.embedding.embeddings))


class Step(keras.layers.Layer):
    """Keeps one step of each sequence."""

    def __init__(self, step: int) -> None:
        """Keep the step with this index."""
        super().__init__()
        self.step = step

    def call(self, inputs: Any) -> Any:
        """(batch, steps, width) to (batch, width)."""
        return inputs[:, self.step]
