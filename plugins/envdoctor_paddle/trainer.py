"""Trains a resolved workload with PaddlePaddle, in dynamic mode or through a static graph.

Mode `static` turns the model into a static graph by `paddle.jit.to_static`; its backward pass is a
graph as well. Gather, loss and optimiser stay outside, as Paddle documents it: within the graph,
gather and loss made a step of the tiny MLP a fifth longer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple

import numpy as np
import paddle

from envdoctor.child.contract import DeviceMemory, Gradients, Unsupported, evaluation_slices
from envdoctor_paddle import devices
from envdoctor_paddle.losses import find_loss
from envdoctor_paddle.model import build_model
from envdoctor_paddle.optimizers import build_optimizer
from envdoctor_paddle.parameters import load
from envdoctor_paddle.products import make_product

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Data, Job, Setting
    from envdoctor_paddle.losses import Loss

Forward = Callable[[Any], Any]
Objective = Callable[[Any, Any, Any], Tuple[Any, Any]]


class Trainer:
    """One model being trained by Paddle on one device."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Choose device and type, then multiply two numbers on the device."""
        devices.prepare(setting)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build the model from the job and load the weights; a static graph is built when run."""
        if job.variation is not None:
            raise Unsupported("the paddle backend offers no variations")
        devices.use(job.setting)
        self._device = job.setting.device
        self._workload = job.workload
        devices.reset_peak(self._device)

        self._model, self._bindings = build_model(job.workload)
        load(self._bindings, weights)
        parameters = [binding.parameter for binding in self._bindings.values()]
        self._optimizer = build_optimizer(parameters, job.optimizer)
        self._static = build_graph(self._model) if job.setting.mode == "static" else None
        forward: Forward = self._static or self._model
        self._objective = build_objective(forward, find_loss(job.workload.loss))
        self._loss = paddle.to_tensor(math.nan)

    def stage(self, data: Data) -> None:
        """Put data and plan on the device, the plan as one tensor of rows a batch."""
        self._inputs: Dict[str, Any] = {
            split: _put(data.inputs(split)) for split in ("train", "test")
        }
        self._targets = _put(data.train_targets)
        self._batches = [_put(rows) for rows in data.batches]

    def step(self, batch: int) -> None:
        """Forward, backward, update."""
        self._loss, _ = self._differentiate(batch)
        self._optimizer.step()
        self._model.clear_gradients(set_to_zero=False)

    def wait(self) -> None:
        """Return when the device is idle."""
        devices.wait(self._device)

    def loss(self) -> float:
        """The loss of the latest step, before its update; not a number before the first one."""
        return float(self._loss.item())

    def differentiate(self, batch: int) -> Gradients:
        """Take the forward and backward part of `step` and read everything back."""
        loss, outputs = self._differentiate(batch)
        tensors = {name: binding.gradient() for name, binding in self._bindings.items()}
        self._model.clear_gradients(set_to_zero=False)
        return Gradients(loss=float(loss.item()), outputs=outputs.numpy(), tensors=tensors)

    def outputs(self, split: str) -> Array:
        """Run the model on all of `train` or `test`, in pieces of one batch, in dynamic mode."""
        inputs = self._inputs[split]
        pieces = evaluation_slices(len(inputs), self._workload.batch)
        self._model.eval()
        with paddle.no_grad():
            outputs = [self._model(inputs[rows])[kept].numpy() for rows, kept in pieces]
        self._model.train()
        return np.concatenate(outputs)

    def weights(self) -> Mapping[str, Array]:
        """Copies of the parameters, in canonical layout."""
        return {
            name: binding.to_canonical(binding.parameter)
            for name, binding in self._bindings.items()
        }

    def device_memory(self) -> Optional[DeviceMemory]:
        """The peak of Paddle's allocator on a GPU; None on the host."""
        return devices.device_memory(self._device)

    def compilations(self) -> Optional[int]:
        """How many static graphs there are; None in dynamic mode."""
        return None if self._static is None else len(self._static.program_cache)

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """A square matrix product on the device, for the practical peak."""
        return make_product(size, setting)

    def _differentiate(self, batch: int) -> Tuple[Any, Any]:
        """Loss and outputs of a batch; the gradients are left with the parameters."""
        loss, outputs = self._objective(self._inputs["train"], self._targets, self._batches[batch])
        loss.backward()
        return loss, outputs


def build_graph(model: Any) -> Any:
    """The forward pass as a static graph, built when it first runs; the model itself stays dynamic.

    It is a function, because `to_static` would change a model in place.
    """

    def forward(inputs: Any) -> Any:
        return model(inputs)

    return paddle.jit.to_static(forward, full_graph=True)


def build_objective(forward: Forward, loss: Loss) -> Objective:
    """The gather of a batch, the forward pass and the loss; the outputs come along."""

    def objective(inputs: Any, targets: Any, rows: Any) -> Tuple[Any, Any]:
        outputs = forward(paddle.index_select(inputs, rows))
        return loss(outputs, paddle.index_select(targets, rows)), outputs

    return objective


def _put(values: Array) -> Any:
    return paddle.to_tensor(values, devices.DTYPE if values.dtype.kind == "f" else "int64")
