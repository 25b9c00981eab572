"""The model that a workload describes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Sequence

import numpy as np
import tensorflow as tf

from envdoctor.child.layers import Lstm
from envdoctor_tensorflow.activations import require_known
from envdoctor_tensorflow.batch_norm import NORMALISED, Statistics
from envdoctor_tensorflow.layers import Apply, find_apply
from envdoctor_tensorflow.lstm import LONGEST_UNROLLED, lstm

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Workload
    from envdoctor.child.layers import Layer


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
        self,
        workload: Workload,
        weights: Mapping[str, Array],
        dtype: Any,
        mode: str,
        compute: Any = None,
    ) -> None:
        """Make the variables; `weights` are the initial parameters, by canonical name.

        Args:
            workload: the layers.
            weights: what the variables begin with.
            dtype: of the variables.
            mode: `graph` or `xla`.
            compute: the type that layers compute in, if it is another; outputs have `dtype` again.
        """
        self._compute = compute
        run_lstm: Apply = partial(lstm, longest_unrolled=LONGEST_UNROLLED[mode])
        self._layers = [
            (layer, run_lstm if isinstance(layer, Lstm) else _find(layer))
            for layer in workload.layers
        ]
        self.statistics = Statistics(workload.layers, dtype)
        self._shapes = {name: value.shape for name, value in weights.items()}
        self._sizes = [value.size for value in weights.values()]
        self._joined = sum(self._sizes) <= MOST_WEIGHTS_IN_A_VECTOR
        values = list(weights.values())
        if self._joined:
            values = [np.concatenate([value.ravel() for value in values])]
        self.variables: List[Any] = [tf.Variable(value, dtype=dtype) for value in values]

    def __call__(self, x: Any, training: bool = False) -> Any:
        """The outputs, (batch, *output_shape), of a batch of inputs.

        In training, batch norms use the moments of the batch, else their running statistics.
        """
        parameters = self._parameters()
        moments = self.statistics.of_batch if training else self.statistics.running
        if self._compute is not None and x.dtype.is_floating:
            x = tf.cast(x, self._compute)
        for layer, apply in self._layers:
            more = (moments,) if type(layer) in NORMALISED else ()
            x = apply(layer, x, parameters, *more)
        return x if self._compute is None else tf.cast(x, self.variables[0].dtype)

    def _parameters(self) -> Dict[str, Any]:
        """Every parameter as a tensor of the type that layers compute in, by canonical name."""
        tensors = [tf.convert_to_tensor(variable) for variable in self.variables]
        if self._compute is not None:
            tensors = [tf.cast(tensor, self._compute) for tensor in tensors]
        if not self._joined:
            return dict(zip(self._shapes, tensors))
        pieces = tf.split(tensors[0], self._sizes)
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


def _find(layer: Layer) -> Callable[..., Any]:
    """The function of a layer, which of those in `NORMALISED` takes the moments as well.

    Raises Unsupported now for what would else be found unknown when the first step is traced.
    """
    require_known(getattr(layer, "activation", "none"))
    return NORMALISED.get(type(layer)) or find_apply(layer)
