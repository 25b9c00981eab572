"""Keras on TensorFlow: the train step is a tf.function, compiled by XLA where Keras allows it."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, List, Optional, Tuple

import keras
import numpy as np
import tensorflow as tf

from envdoctor.child.contract import Array, DeviceMemory, Setting, Unsupported
from envdoctor.child.products import random_matrices

Batch = Tuple[Any, Any, Any]

_KINDS = {"cpu": "CPU", "cuda": "GPU", "gpu": "GPU"}


class Model(keras.Model):
    """A model whose train step gathers its batch from the staged data, and then is Keras's own."""

    traces = 0
    """How often the train step was compiled: its Python runs then, and then only."""

    def train_step(self, data: Batch) -> Any:
        """Train on some rows of the data; the metrics are those of this step alone."""
        self.traces += 1
        inputs, targets, rows = data
        self.reset_metrics()
        return super().train_step((tf.gather(inputs, rows), tf.gather(targets, rows)))


class Session:
    """A compiled model and the function that `fit` calls for each batch."""

    def __init__(self, model: Any) -> None:
        """Let Keras make its train function."""
        self._model = model
        model.make_train_function()
        self._gradient = tf.function(
            self._forward_and_backward, reduce_retracing=True, jit_compile=model.jit_compile
        )

    def step(self, batch: Batch) -> Any:
        """Dispatch one step."""
        return self._model.train_function(iter((batch,)))["loss"]

    def wait(self) -> None:
        """Return when every device has finished what it was given."""
        tf.test.experimental.sync_devices()

    def differentiate(self, batch: Batch) -> Tuple[Any, Any, List[Any]]:
        """Run forward and backward pass of the train step, compiled as that is."""
        return self._gradient(*batch)

    def evaluate(self, inputs: Any) -> Array:
        """Predict as `predict` does."""
        return self._model.predict_on_batch(inputs)

    def values(self) -> List[Array]:
        """Read the trainable variables."""
        return [np.array(variable.numpy()) for variable in self._model.trainable_variables]

    def compilations(self) -> Optional[int]:
        """How often the train step was traced."""
        return self._model.traces

    def _forward_and_backward(self, inputs: Any, targets: Any, rows: Any) -> Tuple[Any, Any, Any]:
        model = self._model
        x, y = tf.gather(inputs, rows), tf.gather(targets, rows)
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = model.compute_loss(x=x, y=y, y_pred=outputs, training=True)
        gradients = tape.gradient(loss, model.trainable_weights)
        return loss, outputs, [tf.convert_to_tensor(gradient) for gradient in gradients]


def start(setting: Setting) -> None:
    """Set threads, device and strict precision, run one operation and wait for it."""
    # The context may exist already; it then has the threads that the environment gave it.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(setting.threads)
        tf.config.threading.set_inter_op_parallelism_threads(setting.threads)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    kind, _, index = setting.device.partition(":")
    if kind not in _KINDS or not (index or "0").isdigit():
        raise Unsupported(f"device {setting.device} is not available")
    gpus = [_find_gpu(int(index or 0))] if _KINDS[kind] == "GPU" else []
    try:
        # Only one device stays visible, so that all of the program is placed on it.
        tf.config.set_visible_devices(gpus, "GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, enable=True)
    except RuntimeError as error:
        raise Unsupported("this process uses TensorFlow on another device already") from error
    tf.square(tf.ones((1,), keras.config.floatx()))
    tf.test.experimental.sync_devices()


def _find_gpu(index: int) -> Any:
    if not tf.test.is_built_with_gpu_support():
        raise Unsupported("this TensorFlow is built without GPU support")
    gpus = tf.config.list_physical_devices("GPU")
    if index >= len(gpus):
        raise Unsupported(f"there is no GPU {index}: TensorFlow sees {len(gpus)}")
    return gpus[index]


def put(values: Array) -> Any:
    """Values on the device; TensorFlow keeps int32 in host memory even on a GPU."""
    integral = values.dtype.kind in "iu"
    return tf.convert_to_tensor(values.astype(np.int64) if integral else values)


def reset_peak() -> None:
    """Let the peak of the memory on the device begin at the present level."""
    if tf.config.get_visible_devices("GPU"):
        tf.config.experimental.reset_memory_stats("GPU:0")


def device_memory() -> Optional[DeviceMemory]:
    """The peak since `reset_peak`; None on the host."""
    if not tf.config.get_visible_devices("GPU"):
        return None
    return DeviceMemory(allocated_bytes=tf.config.experimental.get_memory_info("GPU:0")["peak"])


def make_product(size: int) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the device."""
    left, right = (tf.convert_to_tensor(matrix) for matrix in random_matrices(size))
    product = tf.function(tf.linalg.matmul)

    def multiply() -> None:
        product(left, right)
        tf.test.experimental.sync_devices()

    return multiply
