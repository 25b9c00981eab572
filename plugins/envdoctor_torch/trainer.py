"""Trains a resolved workload with PyTorch, eagerly or compiled.

Mode `eager` runs modules of torch.nn, autograd and a fused optimiser. Mode `compile` compiles all
of the step but the update into one graph, from the gather of the batch to the gradients; the
optimiser stays the fused one, outside.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple

import torch
from torch import Tensor

from envdoctor.child.contract import (
    Array,
    Data,
    DeviceMemory,
    Gradients,
    Job,
    Setting,
    Unsupported,
    evaluation_slices,
)
from envdoctor_torch import devices
from envdoctor_torch.differentiation import build_compiled_pass, build_eager_pass
from envdoctor_torch.losses import find_loss
from envdoctor_torch.model import build_model
from envdoctor_torch.optimizers import build_optimizer
from envdoctor_torch.parameters import load
from envdoctor_torch.precision import find_policy, require_layers
from envdoctor_torch.products import make_product
from envdoctor_torch.statistics import kept_statistics

if TYPE_CHECKING:
    from torch import nn

    from envdoctor.child.contract import Workload
    from envdoctor_torch.differentiation import Pass
    from envdoctor_torch.losses import Loss
    from envdoctor_torch.parameters import Bindings


class Trainer:
    """One model being trained by PyTorch on one device."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads and precision, then multiply two numbers on the device."""
        devices.prepare(setting)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build the model from the job and load the weights; compiled parts compile when run."""
        if job.variation is not None:
            raise Unsupported("the torch backend offers no variations")
        self._device = devices.find_device(job.setting)
        self._dtype = devices.dtype_of(job.setting)
        self._workload = job.workload
        self._compiled = job.setting.mode == "compile"
        self._policy = find_policy(job.setting.precision, self._device)
        require_layers(job.workload, self._policy)
        devices.reset_peak(self._device)

        self._model, self._bindings = self._build_model(job.workload)
        load(self._bindings, weights)
        parameters = [binding.parameter for binding in self._bindings.values()]
        self._optimizer = build_optimizer(parameters, job.optimizer)
        self._pass = self._build_pass(find_loss(job.workload.loss))
        self._loss = torch.tensor(math.nan, dtype=self._dtype, device=self._device)

    def stage(self, data: Data) -> None:
        """Put data and plan on the device, the plan as one tensor of rows a batch."""
        self._inputs: Dict[str, Tensor] = {
            split: self._put(data.inputs(split)) for split in ("train", "test")
        }
        self._targets = self._put(data.train_targets)
        self._batches = self._put(data.batches).unbind()

    def step(self, batch: int) -> None:
        """Forward, backward, update."""
        self._loss, _ = self._differentiate(batch)
        scaler = self._policy.scaler
        if scaler is None:
            self._optimizer.step()
        else:
            scaler.step(self._optimizer)
            scaler.update()

    def wait(self) -> None:
        """Return when the device is idle."""
        devices.wait(self._device)

    def loss(self) -> float:
        """The loss of the latest step, before its update; not a number before the first one."""
        return self._loss.item()

    def differentiate(self, batch: int) -> Gradients:
        """Take the forward and backward part of `step` and read everything back."""
        with kept_statistics(self._model):
            loss, outputs = self._differentiate(batch)
        scaler = self._policy.scaler
        if scaler is not None:
            scaler.unscale_(self._optimizer)
            scaler.update()
        tensors = {
            name: binding.to_canonical(_gradient(binding.parameter))
            for name, binding in self._bindings.items()
        }
        self._optimizer.zero_grad(set_to_none=True)
        return Gradients(loss=loss.item(), outputs=outputs.detach().cpu().numpy(), tensors=tensors)

    def outputs(self, split: str) -> Array:
        """Run the model on all of `train` or `test`, in pieces of one batch.

        In both modes the modules run uncompiled, because a forward pass for other shapes and
        without gradients would have to be compiled anew, for longer than it runs.
        """
        inputs = self._inputs[split]
        shape = (len(inputs), *self._workload.layers[-1].output_shape)
        outputs = torch.empty(shape, dtype=self._dtype, device=self._device)
        self._model.eval()
        with torch.no_grad(), self._policy.autocast():
            # The last piece overlaps its neighbour and writes the same values again.
            for rows, _ in evaluation_slices(len(inputs), self._workload.batch):
                outputs[rows] = self._model(inputs[rows])
        self._model.train()
        return outputs.cpu().numpy()

    def weights(self) -> Mapping[str, Array]:
        """Copies of the parameters, in canonical layout."""
        return {
            name: binding.to_canonical(binding.parameter)
            for name, binding in self._bindings.items()
        }

    def device_memory(self) -> Optional[DeviceMemory]:
        """The peak of torch's allocator on a GPU; None elsewhere."""
        return devices.device_memory(self._device)

    def compilations(self) -> Optional[int]:
        """How many graphs this process has compiled; None in eager mode."""
        if not self._compiled:
            return None
        from torch._dynamo.utils import counters

        return counters["stats"]["unique_graphs"]

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """A square matrix product on the device, for the practical peak."""
        return make_product(size, setting)

    def _build_model(self, workload: Workload) -> Tuple[nn.Module, Bindings]:
        """The model with empty parameters; backends that build on this one have others."""
        return build_model(workload, self._dtype, self._device)

    def _build_pass(self, loss: Loss) -> Pass:
        """The part of a step before the update; backends that build on this one have others."""
        if self._compiled:
            return build_compiled_pass(self._model, loss, self._workload, self._policy)
        return build_eager_pass(self._model, loss, self._policy)

    def _differentiate(self, batch: int) -> Tuple[Tensor, Tensor]:
        """Loss and outputs of a batch; the gradients are left with the parameters."""
        return self._pass(self._inputs["train"], self._targets, self._batches[batch])

    def _put(self, values: Any) -> Tensor:
        dtype = self._dtype if values.dtype.kind == "f" else torch.int64
        return torch.tensor(values, dtype=dtype, device=self._device)


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    """The gradient that a backward pass left, which is zero where it did not come by."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
