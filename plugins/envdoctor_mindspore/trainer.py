"""Trains a resolved workload with MindSpore, in a graph or operation by operation.

Mode `graph` compiles the whole step by `mindspore.jit`; mode `pynative` runs the same function as
it is, where only the optimiser is compiled, by MindSpore itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple

import mindspore
import numpy as np
from mindspore import ParameterTuple, Tensor, ops

from envdoctor.child.contract import DeviceMemory, Gradients, Unsupported, evaluation_slices
from envdoctor_mindspore import devices
from envdoctor_mindspore.losses import find_loss
from envdoctor_mindspore.model import build_model
from envdoctor_mindspore.optimizers import build_optimizer
from envdoctor_mindspore.parameters import load
from envdoctor_mindspore.products import make_product

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Data, Job, Setting
    from envdoctor_mindspore.losses import Loss

Step = Callable[[Tensor, Tensor, Tensor], Tensor]
Pass = Callable[[Tensor, Tensor, Tensor], Tuple[Tuple[Tensor, Tensor], Tuple[Tensor, ...]]]


class Trainer:
    """One model being trained by MindSpore on the device of this process."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set device and threads, then multiply two numbers on the device."""
        devices.prepare(setting)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build the model from the job and load the weights; compiled parts compile when run."""
        if job.variation is not None:
            raise Unsupported("the mindspore backend offers no variations")
        self._setting = job.setting
        self._workload = job.workload
        self._compiled = job.setting.mode == "graph"
        self._model, self._bindings = build_model(job.workload)
        load(self._bindings, weights)
        parameters = ParameterTuple(each.parameter for each in self._bindings.values())
        optimizer = build_optimizer(parameters, job.optimizer)
        differentiate = build_pass(self._model, find_loss(job.workload.loss), parameters)
        step = build_step(differentiate, optimizer)
        self._pass: Pass = mindspore.jit(differentiate) if self._compiled else differentiate
        self._step: Step = mindspore.jit(step) if self._compiled else step
        self._loss: Optional[Tensor] = None

    def stage(self, data: Data) -> None:
        """Put data and plan on the device, the plan as one tensor of rows a batch."""
        self._inputs: Dict[str, Tensor] = {
            split: _put(data.inputs(split)) for split in ("train", "test")
        }
        self._targets = _put(data.train_targets)
        self._batches = [_put(rows) for rows in data.batches]

    def step(self, batch: int) -> None:
        """Dispatch one step; MindSpore may still be at it when this returns."""
        self._loss = self._step(self._inputs["train"], self._targets, self._batches[batch])

    def wait(self) -> None:
        """Return when the device is idle."""
        devices.wait()

    def loss(self) -> float:
        """The loss of the latest step, before its update; not a number before the first one."""
        return math.nan if self._loss is None else float(self._loss.asnumpy())

    def differentiate(self, batch: int) -> Gradients:
        """Run the forward and backward part of the step and read everything back."""
        rows = self._batches[batch]
        (loss, outputs), gradients = self._pass(self._inputs["train"], self._targets, rows)
        tensors = {
            name: binding.to_canonical(gradient)
            for (name, binding), gradient in zip(self._bindings.items(), gradients)
        }
        return Gradients(float(loss.asnumpy()), np.array(outputs.asnumpy()), tensors)

    def outputs(self, split: str) -> Array:
        """Run the model, uncompiled in both modes, on all of `train` or `test`."""
        inputs = self._inputs[split]
        samples = inputs.shape[0]
        values = np.empty((samples, *self._workload.layers[-1].output_shape), np.float32)
        for rows, kept in evaluation_slices(samples, self._workload.batch):
            values[rows][kept] = self._model(inputs[rows]).asnumpy()[kept]
        return values

    def weights(self) -> Mapping[str, Array]:
        """Copies of the parameters, in canonical layout."""
        return {name: each.to_canonical(each.parameter) for name, each in self._bindings.items()}

    def device_memory(self) -> Optional[DeviceMemory]:
        """The peak of MindSpore's allocator on an accelerator; None on the CPU."""
        return devices.device_memory(self._setting)

    def compilations(self) -> Optional[int]:
        """How many graphs this process has compiled."""
        from mindspore.graph.api import ms_compile_cache

        return len(ms_compile_cache)

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """A square matrix product on the device, for the practical peak."""
        return make_product(size, setting)


def build_pass(model: Any, loss: Loss, parameters: ParameterTuple) -> Pass:
    """The gather of the batch, the forward and the backward pass."""

    def objective(inputs: Tensor, targets: Tensor, rows: Tensor) -> Tuple[Tensor, Tensor]:
        outputs = model(ops.gather(inputs, rows, 0))
        return loss(outputs, ops.gather(targets, rows, 0)), outputs

    found: Pass = mindspore.value_and_grad(objective, None, parameters, has_aux=True)
    return found


def build_step(differentiate: Pass, optimizer: Any) -> Step:
    """All of a step, as MindSpore's documentation writes it."""

    def step(inputs: Tensor, targets: Tensor, rows: Tensor) -> Tensor:
        found, gradients = differentiate(inputs, targets, rows)
        optimizer(gradients)
        return found[0]

    return step


def _put(values: Array) -> Tensor:
    dtype = np.float32 if values.dtype.kind == "f" else np.int32
    return Tensor(np.array(values, dtype, order="C"))
