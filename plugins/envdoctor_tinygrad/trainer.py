"""Trains a resolved workload with tinygrad: one TinyJit is the whole step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Tuple

import numpy as np
from tinygrad import Context, Tensor, TinyJit

from envdoctor.child.contract import (
    DeviceMemory,
    Gradients,
    Unsupported,
    evaluation_slices,
    float_type,
)
from envdoctor_tinygrad import devices
from envdoctor_tinygrad.losses import find_loss
from envdoctor_tinygrad.model import build_model
from envdoctor_tinygrad.optimizers import build_optimizer
from envdoctor_tinygrad.place import Place
from envdoctor_tinygrad.products import make_product

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Data, Job, Setting

COMPILING_CALLS = 2
"""A TinyJit compiles kernel by kernel when first called, and all at once when it captures."""


class Trainer:
    """One model being trained by tinygrad on one device."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Compile and run a product of two numbers; threads and types are set by variables."""
        devices.prepare(setting)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build model and optimiser around the weights; the step compiles when it first runs."""
        if job.variation is not None:
            raise Unsupported("the tinygrad backend offers no variations")
        self._device = devices.find_device(job.setting)
        self._workload = job.workload
        self._place = Place(float_type(job.setting), self._device, weights)
        self._model = build_model(job.workload, self._place)
        self._bindings = self._place.bindings
        self._parameters: List[Tensor] = [each.tensor for each in self._bindings.values()]
        self._objective = find_loss(job.workload.loss)
        self._optimizer = build_optimizer(self._parameters, job.optimizer)
        self._loss: Optional[Tensor] = None
        self._evaluations: Dict[int, Any] = {}

    def stage(self, data: Data) -> None:
        """Put data and plan on the device, the plan as one tensor of rows a batch."""
        self._inputs: Dict[str, Tensor] = {
            split: self._place.put(data.inputs(split)) for split in ("train", "test")
        }
        self._targets = self._place.put(data.train_targets)
        self._batches = [self._place.put(rows) for rows in data.batches]
        # The data are part of what is captured: handed over with each step, they made that of the
        # tiny MLP a twentieth longer.
        self._step: Any = TinyJit(self._update)
        self._pass: Any = TinyJit(self._differentiate)

    def step(self, batch: int) -> None:
        """Replay the captured step; the device may still be at it when this returns."""
        self._loss = self._step(self._batches[batch])

    def wait(self) -> None:
        """Return when the device is idle."""
        devices.wait(self._device)

    def loss(self) -> float:
        """The loss of the latest step, before its update; not a number before the first one."""
        return math.nan if self._loss is None else float(self._loss.item())

    def differentiate(self, batch: int) -> Gradients:
        """Run the forward and backward part of the step in a TinyJit of its own."""
        loss, outputs, *gradients = self._pass(self._batches[batch])
        tensors = {
            name: binding.to_canonical(gradient)
            for (name, binding), gradient in zip(self._bindings.items(), gradients)
        }
        return Gradients(float(loss.item()), np.array(outputs.numpy()), tensors)

    def outputs(self, split: str) -> Array:
        """Evaluate in pieces of one size, for which the forward pass is captured once."""
        inputs = self._inputs[split]
        samples = inputs.shape[0]
        shape = (samples, *self._workload.layers[-1].output_shape)
        values = np.empty(shape, self._place.dtype)
        for rows, kept in evaluation_slices(samples, self._workload.batch):
            # A buffer of its own, because a TinyJit takes no two views of one.
            piece = self._find_evaluation(rows.stop - rows.start)(inputs[rows].clone().realize())
            values[rows][kept] = piece.numpy()[kept]
        return values

    def weights(self) -> Mapping[str, Array]:
        """Copies of the parameters, in canonical layout."""
        return {name: each.to_canonical(each.tensor) for name, each in self._bindings.items()}

    def device_memory(self) -> Optional[DeviceMemory]:
        """None: tinygrad counts what it holds, but keeps no peak."""
        return None

    def compilations(self) -> int:
        """How often the step was compiled; a captured one is never compiled again."""
        return min(int(self._step.cnt), COMPILING_CALLS)

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """A square matrix product on the device, for the practical peak."""
        return make_product(size, setting)

    def _find_evaluation(self, size: int) -> Any:
        """The forward pass for this many rows."""
        if size not in self._evaluations:
            self._evaluations[size] = TinyJit(lambda inputs: self._model(inputs).realize())
        return self._evaluations[size]

    def _forward_and_backward(self, rows: Tensor) -> Tuple[Tensor, Tensor, List[Tensor]]:
        """Loss, outputs and gradients of a batch, none of them computed yet."""
        outputs = self._model(self._inputs["train"][rows])
        loss = self._objective(outputs, self._targets[rows])
        return loss, outputs, loss.gradient(*self._parameters)

    def _update(self, rows: Tensor) -> Tensor:
        # The optimiser refuses to work outside of training; replays do not come by here.
        with Context(TRAINING=1):
            loss, _, gradients = self._forward_and_backward(rows)
            for parameter, gradient in zip(self._parameters, gradients):
                parameter.grad = gradient
            return loss.realize(*self._optimizer.schedule_step())

    def _differentiate(self, rows: Tensor) -> List[Tensor]:
        with Context(TRAINING=1):
            loss, outputs, gradients = self._forward_and_backward(rows)
            Tensor.realize(loss, outputs, *gradients)
            return [loss, outputs, *gradients]
