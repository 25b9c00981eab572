"""The model that a workload describes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence

import numpy as np
import tensorflow as tf

from envdoctor.child.layers import Lstm
from envdoctor_tensorflow.layers import Apply, find_apply
from envdoctor_tensorflow.lstm import LONGEST_UNROLLED, lstm

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Workload


# Under XLA on the CPU, 670 thousand weights in one vector take nearly twice as long as in a
# variable each; 26 thousand run faster in one vector than a loop written with a variable each.
MOST_WEIGHTS_IN_A_VECTOR = 2**16


class Model:
    """The parameters of a workload, and its forward pass.

    Few parameters are kept in one flat variable, of which the layers read pieces: the optimiser
    then updates everything by one call of a fused kernel, and the gradient arrives as one vector
    as well. Many are kept in a variable each.
    """

    def __init__(
        self, workload: Workload, weights: Mapping[str, Array], dtype: Any, mode: str
    ) -> None:
        """Make the variables; `weights` are the initial parameters, by canonical name."""
        run_lstm: Apply = partial(lstm, longest_unrolled=LONGEST_UNROLLED[mode])
        self._layers = [
            (layer, run_lstm if isinstance(layer, Lstm) else find_apply(layer))
            for layer in workload.layers
        ]
        self._shapes = {name: value.shape for name, value in weights.items()}
        self._sizes = [value.size for value in weights.values()]
        self._joined = sum(self._sizes) <= MOST_WEIGHTS_IN_A_VECTOR
        values = list(weights.values())
        if self._joined:
            values = [np.concatenate([value.ravel() for value in values])]
        self.variables: List[Any] = [tf.Variable(value, dtype=dtype) for value in values]

    def __call__(self, x: Any) -> Any:
        """The outputs, (batch, *output_shape), of a batch of inputs."""
        parameters = self._parameters()
        for layer, apply in self._layers:
            x = apply(layer, x, parameters)
        return x

    def _parameters(self) -> Dict[str, Any]:
        """Every parameter as a tensor, by canonical name."""
        if not self._joined:
            return dict(zip(self._shapes, map(tf.convert_to_tensor, self.variables)))
        pieces = tf.split(self.variables[0], self._sizes)
        return {
            name: tf.reshape(piece, shape)
            for (name, shape), piece in zip(self._shapes.items(), pieces)
        }

    def by_name(self, tensors: Sequence[Any]) -> Dict[str, Array]:
        """Parameters or their gradients by canonical name and shape, from one for each variable."""
        values = [tensor.numpy() for tensor in tensors]
        if self._joined:
            values = np.split(values[0], np.cumsum(self._sizes)[:-1])
        return {
            name: value.reshape(shape) for (name, shape), value in zip(self._shapes.items(), values)
        }
