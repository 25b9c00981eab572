"""Keras on JAX: the train step is a jitted, donating function of the state."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, List, Optional, Tuple

import jax
import jax.numpy as jnp
import keras
import numpy as np

from envdoctor.child.contract import Array, DeviceMemory, Setting, Unsupported
from envdoctor.child.products import random_matrices

Batch = Tuple[Any, Any, Any]


class Model(keras.Model):
    """A model whose train step gathers its batch from the staged data, and then is Keras's own."""

    traces = 0
    """How often the train step was compiled: its Python runs then, and then only."""

    def train_step(self, state: Any, data: Batch) -> Any:
        """Train on some rows of the data; the metrics are those of this step alone."""
        self.traces += 1
        inputs, targets, rows = data
        *variables, metrics = state
        fresh = (*variables, [jnp.zeros_like(each) for each in metrics])
        return super().train_step(fresh, (inputs[rows], targets[rows]))


class Session:
    """The state of a model, which the train step takes and gives back, as in `fit`."""

    def __init__(self, model: Any) -> None:
        """Take the state out of the variables of a compiled model."""
        self._model = model
        model.make_train_function()
        parts = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
        # Copies, for the first step gives the memory of its state away.
        self._state: Any = tuple([jnp.array(each.value) for each in part] for part in parts)
        self._loss: Any = None
        self._gradient = jax.jit(jax.value_and_grad(self._objective, has_aux=True))
        self._forward = jax.jit(self._outputs)

    def step(self, batch: Batch) -> Any:
        """Dispatch one step."""
        logs, self._state = self._model.train_function(self._state, iter((batch,)))
        self._loss = logs["loss"]
        return self._loss

    def wait(self) -> None:
        """Wait for all that a step returns, not for the loss alone."""
        jax.block_until_ready((self._state, self._loss))

    def differentiate(self, batch: Batch) -> Tuple[Any, Any, List[Any]]:
        """Differentiate the function that the train step differentiates."""
        trainable, *others = self._state
        (loss, outputs), gradients = self._gradient(trainable, others, batch)
        return loss, outputs, gradients

    def evaluate(self, inputs: Any) -> Array:
        """Run the compiled forward pass."""
        return np.array(self._forward(self._state[0], self._state[1], inputs))

    def values(self) -> List[Array]:
        """Read the trainable variables out of the state."""
        return [np.array(value) for value in self._state[0]]

    def compilations(self) -> Optional[int]:
        """How often the train step was traced; None if the model is not compiled."""
        return self._model.traces if self._model.jit_compile else None

    def _objective(self, trainable: Any, others: Any, batch: Batch) -> Tuple[Any, Any]:
        inputs, targets, rows = batch
        frozen, optimizer, metrics = others
        loss, (_, outputs, *_) = self._model.compute_loss_and_updates(
            trainable,
            frozen,
            metrics,
            inputs[rows],
            targets[rows],
            None,
            training=True,
            optimizer_variables=optimizer,
        )
        return loss, outputs

    def _outputs(self, trainable: Any, frozen: Any, inputs: Any) -> Any:
        outputs, _ = self._model.stateless_call(trainable, frozen, inputs, training=False)
        return outputs


def start(setting: Setting) -> None:
    """Choose the device and strict precision, then multiply two numbers on it."""
    jax.config.update("jax_default_matmul_precision", "highest")
    device = _find_device(setting.device)
    jax.config.update("jax_default_device", device)
    one = jnp.ones((1, 1), jnp.float32)
    jax.block_until_ready(jnp.matmul(one, one))


def _find_device(name: str) -> jax.Device:
    platform, _, number = name.partition(":")
    try:
        devices = jax.local_devices(backend=platform)
    except RuntimeError as error:
        raise Unsupported(f"this JAX has no device {platform}") from error
    if number and not (number.isdecimal() and int(number) < len(devices)):
        raise Unsupported(f"there is no device {name}: JAX sees {len(devices)} of {platform}")
    return devices[int(number or 0)]


def put(values: Array) -> Any:
    """Values on the device; a copy, for on the CPU an array may share the memory of the host's."""
    integral = values.dtype.kind in "iu"
    return jnp.array(np.array(values, np.int32 if integral else values.dtype))


def reset_peak() -> None:
    """Do nothing: the allocator counts from the start of the process."""


def device_memory() -> Optional[DeviceMemory]:
    """Ask the allocator, where the device has one of its own."""
    try:
        stats = jax.config.jax_default_device.memory_stats()
    except RuntimeError:  # NotImplementedError is one too
        return None
    if not stats or "peak_bytes_in_use" not in stats:
        return None
    return DeviceMemory(stats["peak_bytes_in_use"], stats.get("peak_pool_bytes"))


def make_product(size: int) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the result."""
    left, right = (jnp.asarray(matrix) for matrix in random_matrices(size))
    product = jax.jit(partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST))

    def multiply() -> None:
        jax.block_until_ready(product(left, right))

    return multiply
