"""Trains a resolved workload with MLX: one compiled function is the whole step.

As MLX's documentation has it, the state of model and optimiser is captured by `mx.compile` as
its implicit inputs and outputs, and evaluated once a step.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Mapping, Optional, Tuple

import mlx.core as mx
import numpy as np
from mlx import nn

from envdoctor.child.contract import DeviceMemory, Gradients, Unsupported, evaluation_slices
from envdoctor_mlx import devices
from envdoctor_mlx.losses import find_loss
from envdoctor_mlx.model import build_model
from envdoctor_mlx.optimizers import build_optimizer
from envdoctor_mlx.parameters import load, read
from envdoctor_mlx.products import make_product

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Data, Job, Setting
    from envdoctor_mlx.losses import Loss

Differentiate = Callable[[mx.array, mx.array, mx.array], Tuple[Tuple[mx.array, mx.array], Any]]


class Trainer:
    """One model being trained by MLX on one device."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Choose the device, then multiply two numbers on it."""
        devices.prepare(setting)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build the model, load the weights and wrap the step; it compiles when it first runs."""
        if job.variation is not None:
            raise Unsupported("the MLX backend offers no variations")
        devices.require_float32(job.setting)
        mx.set_default_device(devices.find_device(job.setting.device))
        devices.reset_peak()
        self._workload = job.workload
        self._model, self._places = build_model(job.workload)
        load(self._model, self._places, weights)
        self._optimizer = build_optimizer(job.optimizer)
        self._optimizer.init(self._model.trainable_parameters())
        self._state = [self._model.state, self._optimizer.state]
        mx.eval(self._state)
        differentiate = build_differentiation(self._model, find_loss(job.workload.loss))
        # The state is an output too, though unchanged, or traced arrays would stay in the model.
        model_state = [self._model.state]
        self._differentiate = mx.compile(differentiate, inputs=model_state, outputs=model_state)
        self._traces = 0
        self._step = self._compile_step(differentiate)
        self._loss = mx.array(math.nan)

    def stage(self, data: Data) -> None:
        """Put data and plan on the device, the plan as one array of rows a batch."""
        self._inputs = {split: _put(data.inputs(split)) for split in ("train", "test")}
        self._targets = _put(data.train_targets)
        self._batches = [_put(rows) for rows in data.batches]
        mx.eval(self._inputs, self._targets, self._batches)

    def step(self, batch: int) -> None:
        """Forward, backward, update; another thread computes them."""
        self._loss = self._step(self._inputs["train"], self._targets, self._batches[batch])
        mx.async_eval(self._loss, self._state)  # type: ignore[no-untyped-call]

    def wait(self) -> None:
        """Wait for all that a step leaves behind, not for the loss alone."""
        mx.eval(self._loss, self._state)
        mx.synchronize()

    def loss(self) -> float:
        """The loss of the latest step, before its update; not a number before the first one."""
        return float(np.array(self._loss))

    def differentiate(self, batch: int) -> Gradients:
        """Take the forward and backward part of `step`, compiled by itself, and read it back."""
        (loss, outputs), gradients = self._differentiate(
            self._inputs["train"], self._targets, self._batches[batch]
        )
        mx.eval(loss, outputs, gradients)
        tensors = read(gradients, self._places)
        return Gradients(float(np.array(loss)), np.array(outputs), tensors)

    def outputs(self, split: str) -> Array:
        """Run the model on all of `train` or `test`, in pieces of one batch."""
        inputs = self._inputs[split]
        pieces = evaluation_slices(len(inputs), self._workload.batch)
        outputs = [np.array(self._model(inputs[rows])[kept]) for rows, kept in pieces]
        return np.concatenate(outputs)

    def weights(self) -> Mapping[str, Array]:
        """Copies of the parameters, in canonical layout."""
        return read(self._model.parameters(), self._places)

    def device_memory(self) -> Optional[DeviceMemory]:
        """The peak of MLX's allocator on a GPU; None on the CPU."""
        return devices.device_memory()

    def compilations(self) -> int:
        """How many times `mx.compile` has traced the step: it runs the function only for that."""
        return self._traces

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """A square matrix product on the device, for the practical peak."""
        return make_product(size, setting)

    def _compile_step(self, differentiate: Differentiate) -> Any:
        @partial(mx.compile, inputs=self._state, outputs=self._state)
        def step(inputs: mx.array, targets: mx.array, rows: mx.array) -> mx.array:
            self._traces += 1
            (loss, _), gradients = differentiate(inputs, targets, rows)
            self._optimizer.update(self._model, gradients)
            return loss

        return step


def build_differentiation(model: nn.Module, loss: Loss) -> Differentiate:
    """The gather of a batch, forward and backward pass: ((loss, outputs), gradients)."""

    def objective(inputs: mx.array, targets: mx.array, rows: mx.array) -> Tuple[mx.array, mx.array]:
        outputs = model(inputs[rows])
        return loss(outputs, targets[rows]), outputs

    differentiate: Differentiate = nn.value_and_grad(model, objective)
    return differentiate


def _put(values: Array) -> mx.array:
    return mx.array(np.asarray(values, np.float32 if values.dtype.kind == "f" else np.int32))
