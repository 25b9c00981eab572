"""Self-attention of several heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envdoctor_numpy.layer import Layer
from envdoctor_numpy.memory import empty, empty_like, ones

if TYPE_CHECKING:
    from envdoctor.child import layers
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters


class Attention(Layer):
    """From query, key and value, (batch, steps, 3 * width), to (batch, steps, width).

    Every head of every sequence is one small matrix product; what looks like a transposition is a
    view that BLAS reads and writes with a leading dimension. The scores lie as (keys, queries):
    then the largest of each query is found by comparing rows, several times faster than in a row.

    Args:
        spec: The block that the attention is a part of.
        batch: The rows of a batch.
        parameters: The parameters of the model, for their type.
        strict_mask: Whether a step is hidden from itself as well.
    """

    def __init__(
        self,
        spec: layers.TransformerBlock,
        batch: int,
        parameters: Parameters,
        *,
        strict_mask: bool = False,
    ) -> None:
        steps, width = spec.input_shape
        dtype, depth = parameters.dtype, width // spec.heads
        self._packed = (batch, steps, 3, spec.heads, depth)
        self._scale = spec.scale
        self._strict = spec.causal and strict_mask
        self._mask = _mask(steps, dtype, strict=strict_mask) if spec.causal else None
        self._query = empty((batch, spec.heads, steps, depth), dtype)
        self._key = self._value = self._query
        self._scores = empty((batch, spec.heads, steps, steps), dtype)
        self._dscores = empty_like(self._scores)
        self._row = empty((batch, spec.heads, 1, steps), dtype)
        self._ones = ones((1, steps), dtype)
        self._output = empty((batch, steps, width), dtype)
        self._heads = _by_head(self._output, spec.heads)
        self._input_gradient = empty((batch, steps, 3 * width), dtype)
        packed = self._input_gradient.reshape(self._packed)
        self._dquery, self._dkey, self._dvalue = packed.transpose(2, 0, 3, 1, 4)

    def forward(self, x: Array) -> Array:
        """Let each step look at those that it may look at."""
        query, self._key, self._value = x.reshape(self._packed).transpose(2, 0, 3, 1, 4)
        # There are fewer values in the queries than in the scores.
        np.multiply(query, self._scale, out=self._query)
        np.matmul(self._key, self._query.swapaxes(2, 3), out=self._scores)
        self._normalise()
        np.matmul(self._scores.swapaxes(2, 3), self._value, out=self._heads)
        return self._output

    def _normalise(self) -> None:
        """Turn the scores into the weights of the softmax, in place."""
        scores, row = self._scores, self._row
        if self._mask is not None:
            np.add(scores, self._mask, out=scores)
        np.maximum.reduce(scores, axis=2, keepdims=True, out=row)
        np.subtract(scores, row, out=scores)
        np.exp(scores, out=scores)
        np.matmul(self._ones, scores, out=row)
        np.divide(scores, row, out=scores)

    def backward(self, gradient: Array) -> Array:
        """With weights p and dp = gradient @ value.T, the scores have p * (dp - sum(dp * p)).

        That sum over the keys is the sum of gradient * output over the width of a head.
        """
        dheads = _by_head(gradient, self._heads.shape[1])
        weights, dscores = self._scores, self._dscores
        np.matmul(weights, dheads, out=self._dvalue)
        np.matmul(self._value, dheads.swapaxes(2, 3), out=dscores)
        np.einsum("bhsd,bhsd->bhs", dheads, self._heads, out=self._row[:, :, 0])
        np.subtract(dscores, self._row, out=dscores)
        np.multiply(dscores, weights, out=dscores)
        if self._strict:
            # All that the first step looks at is hidden, which makes its scores constants.
            dscores[..., 0] = 0
        np.matmul(dscores, self._query, out=self._dkey)
        np.matmul(dscores.swapaxes(2, 3), self._key, out=self._dquery)
        np.multiply(self._dquery, self._scale, out=self._dquery)
        return self._input_gradient


def _by_head(x: Array, heads: int) -> Array:
    """(batch, steps, width) as (batch, heads, steps, head width)."""
    batch, steps, width = x.shape
    return x.reshape(batch, steps, heads, width // heads).transpose(0, 2, 1, 3)


def _mask(steps: int, dtype: np.dtype[np.floating], *, strict: bool) -> Array:
    """What is added to (keys, queries): 0 where a step may look, else the least finite value.

    Adding a score to the least finite value gives that value again, so that a step which may look
    at nothing looks at all steps equally.
    """
    hidden = np.tril(ones((steps, steps), np.bool_), 0 if strict else -1)
    return np.where(hidden, np.finfo(dtype).min, 0).astype(dtype)
