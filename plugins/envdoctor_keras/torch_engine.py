"""Keras on PyTorch: the train step runs eagerly, which is what Keras chooses there."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Tuple

import keras
import numpy as np
import torch

from envdoctor.child.contract import Array, DeviceMemory, Setting, Unsupported
from envdoctor.child.products import random_matrices

Batch = Tuple[Any, Any, Any]


class Model(keras.Model):
    """A model whose train step gathers its batch from the staged data, and then is Keras's own."""

    def train_step(self, data: Batch) -> Any:
        """Train on some rows of the data; the metrics are those of this step alone."""
        inputs, targets, rows = data
        self.reset_metrics()
        return super().train_step((inputs.index_select(0, rows), targets.index_select(0, rows)))


class Session:
    """A compiled model and the function that `fit` calls for each batch."""

    def __init__(self, model: Any) -> None:
        """Let Keras make its train function."""
        self._model = model
        model.make_train_function()

    def step(self, batch: Batch) -> Any:
        """Take one step."""
        return self._model.train_function((batch,))["loss"]

    def wait(self) -> None:
        """Return when the device is idle."""
        _wait()

    def differentiate(self, batch: Batch) -> Tuple[Any, Any, List[Any]]:
        """Take the forward and backward part of the train step."""
        model = self._model
        inputs, targets, rows = batch
        x, y = inputs.index_select(0, rows), targets.index_select(0, rows)
        outputs = model(x, training=True)
        model.zero_grad()
        loss = model.compute_loss(x=x, y=y, y_pred=outputs, training=True)
        loss.backward()
        gradients = [variable.value.grad for variable in model.trainable_weights]
        model.zero_grad()
        return loss.detach(), outputs.detach(), gradients

    def evaluate(self, inputs: Any) -> Array:
        """Predict as `predict` does."""
        return self._model.predict_on_batch(inputs)

    def values(self) -> List[Array]:
        """Read the trainable variables; copies, for the arrays share their memory."""
        return [np.array(variable.numpy()) for variable in self._model.trainable_variables]

    def compilations(self) -> Optional[int]:
        """None: nothing is compiled."""
        return None


def start(setting: Setting) -> None:
    """Set threads and strict precision, then multiply two numbers on the device."""
    device = _find_device(setting.device)
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)  # which a device without a number lacks
    # Before the first parallel operation, because a thread inherits the flag from its creator.
    torch.set_flush_denormal(True)
    torch.set_num_threads(setting.threads)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    one = keras.ops.ones((1, 1))
    if one.device.type != device.type:
        raise Unsupported(f"Keras was started on {one.device.type}, by KERAS_TORCH_DEVICE")
    torch.matmul(one, one)
    _wait()


def _find_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise Unsupported(f"device {name} is unknown to torch") from error
    if device.type not in ("cpu", "cuda"):
        raise Unsupported(f"the Keras backend has no device {name} with torch")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise Unsupported(f"torch finds no usable GPU {device.index or 0}")
    return device


def _on_gpu() -> bool:
    return keras.ops.ones(()).device.type == "cuda"


def _wait() -> None:
    # On the CPU an operation has finished when its call returns.
    if _on_gpu():
        torch.cuda.synchronize()


def put(values: Array) -> Any:
    """Values on the device that Keras uses; a copy."""
    dtype = "int64" if values.dtype.kind in "iu" else str(values.dtype)
    return keras.ops.convert_to_tensor(np.array(values), dtype=dtype)


def reset_peak() -> None:
    """Let the peak of the memory on the device begin at the present level."""
    if _on_gpu():
        torch.cuda.reset_peak_memory_stats()


def device_memory() -> Optional[DeviceMemory]:
    """The peak since `reset_peak`; None on the host."""
    if not _on_gpu():
        return None
    return DeviceMemory(
        allocated_bytes=torch.cuda.max_memory_allocated(),
        reserved_bytes=torch.cuda.max_memory_reserved(),
    )


def make_product(size: int) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the device."""
    left, right = (put(matrix) for matrix in random_matrices(size))
    result = torch.empty_like(left)

    def multiply() -> None:
        torch.mm(left, right, out=result)
        _wait()

    return multiply
