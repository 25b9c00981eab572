"""The trainer: one tf.function a step, from the gather of the batch to the update."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Optional, Tuple

import numpy as np
import tensorflow as tf

from envdoctor.child.contract import (
    Array,
    Data,
    DeviceMemory,
    Gradients,
    Job,
    Setting,
    Unsupported,
    evaluation_slices,
    master_type,
)
from envdoctor_tensorflow import devices
from envdoctor_tensorflow.losses import find_loss
from envdoctor_tensorflow.model import Model
from envdoctor_tensorflow.optimizers import make_optimizer
from envdoctor_tensorflow.precision import find_compute, find_scale
from envdoctor_tensorflow.products import make_product

_MODES = ("graph", "xla")


class Trainer:
    """A model trained by tf.function, run by the graph executor or compiled by XLA."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads and precision, run one operation on the device and wait for it."""
        if setting.mode not in _MODES:
            raise Unsupported(f"mode {setting.mode} is not available")
        dtype = master_type(setting)
        devices.prepare(setting)
        tf.square(tf.ones((1,), dtype))
        devices.wait()

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build model and optimiser on the device."""
        setting, workload = job.setting, job.workload
        self._job = job
        self._dtype = master_type(setting)
        self._scale = find_scale(setting)
        self._compiled = setting.mode == "xla"
        self._loss_of = find_loss(workload.loss)
        devices.reset_peak()
        self._model = Model(workload, weights, self._dtype, setting.mode, find_compute(setting))
        self._optimizer = make_optimizer(job.optimizer, self._model.variables)
        self._forward = self._function(self._model.__call__)
        self._loss: Any = None

    def stage(self, data: Data) -> None:
        """Put the data on the device and the rows of each batch into a tensor of their own."""
        self._inputs = {split: self._tensor(data.inputs(split)) for split in ("train", "test")}
        self._targets = self._tensor(data.train_targets)
        self._batches: List[Any] = tf.unstack(self._tensor(data.batches))
        rows = [tf.TensorSpec((data.batches.shape[1],), tf.int64)]
        # Captured by reference, as hidden inputs: neither folded nor copied.
        self._step = self._function(self._take_step, rows)
        self._differentiate = self._function(self._forward_and_backward, rows)

    def step(self, batch: int) -> None:
        """Take one optimiser step."""
        self._loss = self._step(self._batches[batch])

    def wait(self) -> None:
        """Return when every device has finished what it was given."""
        devices.wait()

    def loss(self) -> float:
        """The loss of the latest step, before its update."""
        return float(self._loss)

    def differentiate(self, batch: int) -> Gradients:
        """Run forward and backward pass of the step, and no update."""
        loss, outputs, gradients = self._differentiate(self._batches[batch])
        tensors = self._model.by_name(gradients)
        return Gradients(float(loss), outputs.numpy(), tensors)

    def outputs(self, split: str) -> Array:
        """The outputs for all of a split, piece by piece, by one compiled forward pass."""
        inputs = self._inputs[split]
        slices = evaluation_slices(inputs.shape[0], self._job.workload.batch)
        return np.concatenate([self._forward(inputs[read]).numpy()[keep] for read, keep in slices])

    def weights(self) -> Mapping[str, Array]:
        """The present parameters, by canonical name and shape."""
        return self._model.by_name(self._model.variables)

    def device_memory(self) -> Optional[DeviceMemory]:
        """The peak on a GPU since the trainer was built."""
        return devices.device_memory()

    def compilations(self) -> Optional[int]:
        """How often the step was traced."""
        return int(self._step.experimental_get_tracing_count())

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """A square matrix product on the device, for the practical peak."""
        return make_product(size, setting)

    def _tensor(self, values: Array) -> Any:
        """Values as a tensor: floats in the precision of the job, integers as int64.

        TensorFlow keeps int32 in host memory even on a GPU.
        """
        integral = np.issubdtype(values.dtype, np.integer)
        return tf.convert_to_tensor(values.astype(np.int64 if integral else self._dtype))

    def _function(self, function: Any, signature: Optional[List[Any]] = None) -> Any:
        return tf.function(function, input_signature=signature, jit_compile=self._compiled)

    def _take_step(self, rows: Any) -> Any:
        loss, _, gradients = self._forward_and_backward(rows)
        self._optimizer.apply(gradients)
        self._model.statistics.renew()
        return loss

    def _forward_and_backward(self, rows: Any) -> Tuple[Any, Any, Any]:
        inputs, targets = tf.gather(self._inputs["train"], rows), tf.gather(self._targets, rows)
        with tf.GradientTape() as tape:
            outputs = self._model(inputs, training=True)
            loss = self._loss_of(outputs, targets)
            scaled = loss if self._scale == 1 else loss * self._scale
        gradients = tape.gradient(scaled, self._model.variables)
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        if self._scale != 1:
            gradients = [gradient / self._scale for gradient in gradients]
        return loss, outputs, gradients
