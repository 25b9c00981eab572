"""From a resolved workload to a compiled functional model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Tuple, Type

import keras

from envdoctor_keras.layers import find_apply
from envdoctor_keras.losses import find_loss
from envdoctor_keras.optimizers import make_optimizer

if TYPE_CHECKING:
    from envdoctor.child.contract import Job, Workload


class Network:
    """A graph of layers, and the variables behind each canonical name."""

    def __init__(self, workload: Workload) -> None:
        """Apply the layers in order.

        Raises:
            Unsupported: Keras has no such layer or activation.
        """
        self.names: Dict[str, Tuple[Any, ...]] = {}
        self.embeddings: Dict[str, Any] = {}
        dtype = keras.config.floatx() if workload.symbols is None else "int32"
        self.inputs = keras.Input(shape=workload.input_shape, dtype=dtype)
        self.outputs = self.inputs
        for layer in workload.layers:
            self.outputs = find_apply(layer)(layer, self.outputs, self)


class Built(NamedTuple):
    """A compiled model and the variables behind each canonical name."""

    model: Any
    names: Dict[str, Tuple[Any, ...]]


def build_model(job: Job, model_class: Type[Any]) -> Built:
    """Build and compile the model of a job, as a subclass of `keras.Model`.

    Raises:
        Unsupported: Keras has no such layer, activation, loss or optimiser.
    """
    network = Network(job.workload)
    model = model_class(inputs=network.inputs, outputs=network.outputs)
    optimizer = make_optimizer(job.optimizer)
    # `jit_compile` stays what Keras makes of it: XLA under TensorFlow and JAX, eager under torch.
    model.compile(optimizer=optimizer, loss=find_loss(job.workload.loss))
    optimizer.build(model.trainable_variables)
    return Built(model, network.names)
