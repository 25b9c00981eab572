"""The model that a workload describes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Dict, Mapping

import numpy as np
import tensorflow as tf

from envdoctor.child.layers import Lstm
from envdoctor_tensorflow.layers import Apply, find_apply
from envdoctor_tensorflow.lstm import LONGEST_UNROLLED, lstm

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Workload


class Model:
    """The parameters of a workload, all in one variable, and its forward pass.

    The variable is flat, and the layers read pieces of it. The optimiser then updates everything
    by one call of a fused kernel, and the gradient arrives as one vector as well: small models
    train about a tenth faster than with a variable for each parameter, and the step is traced in
    about half the time.
    """

    def __init__(
        self, workload: Workload, weights: Mapping[str, Array], dtype: Any, mode: str
    ) -> None:
        """Make the variable; `weights` are the initial parameters, by canonical name."""
        run_lstm: Apply = partial(lstm, longest_unrolled=LONGEST_UNROLLED[mode])
        self._layers = [
            (layer, run_lstm if isinstance(layer, Lstm) else find_apply(layer))
            for layer in workload.layers
        ]
        self._shapes = {name: value.shape for name, value in weights.items()}
        self._sizes = [value.size for value in weights.values()]
        flat = np.concatenate([value.ravel() for value in weights.values()])
        self.parameters = tf.Variable(flat, dtype=dtype)

    def __call__(self, x: Any) -> Any:
        """The outputs, (batch, *output_shape), of a batch of inputs."""
        pieces = tf.split(self.parameters, self._sizes)
        parameters = {
            name: tf.reshape(piece, shape)
            for (name, shape), piece in zip(self._shapes.items(), pieces)
        }
        for layer, apply in self._layers:
            x = apply(layer, x, parameters)
        return x

    def by_name(self, flat: Array) -> Dict[str, Array]:
        """Parameters or their gradients by canonical name and shape, from the flat vector."""
        pieces = np.split(flat, np.cumsum(self._sizes)[:-1])
        return {
            name: piece.reshape(shape) for (name, shape), piece in zip(self._shapes.items(), pieces)
        }
