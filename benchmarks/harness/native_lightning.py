"""A bare loop with Lightning Fabric: the yardstick for the fabric mode of the lightning backend.

It follows Fabric's guide: a model and an optimiser that `setup` wraps, the loss, `fabric.backward`,
a step, gradients set to none. The networks are those of `native_torch.py`, in a module that holds
their weights. The Trainer's own loop has no barer form: it times itself, or it is driven from
outside as the backend does.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import native_torch
import torch  # noqa: TID253  runs in a worker
from lightning.fabric import Fabric  # noqa: TID253
from torch import Tensor, nn  # noqa: TID253
from torch.nn import functional  # noqa: TID253

from envdoctor.child.contract import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Job, Setting


class Network(nn.Module):
    """A network with its weights by their names."""

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        super().__init__()
        self._forward = native_torch.FAMILIES[job.workload.name.partition("-")[0]](job.workload)
        self._weights: dict[str, Tensor] = {}
        for name, value in weights.items():
            self._weights[name] = nn.Parameter(native_torch.to_native(name, value))
            self.register_parameter(name.replace(".", "_"), self._weights[name])

    def forward(self, inputs: Tensor) -> Tensor:
        """The outputs of a batch."""
        return self._forward(self._weights, inputs)


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads, and flush denormal numbers as all rows do."""
        if setting.mode != "fabric":
            raise Unsupported("the Trainer has no loop that is barer than the backend's")
        native_torch.Loop.start(setting)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Make model and optimiser, and let Fabric wrap both."""
        model = Network(job, weights)
        spec = job.optimizer
        optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=spec.learning_rate,
            betas=(spec.beta1, spec.beta2),
            eps=spec.epsilon,
            weight_decay=spec.weight_decay,
            fused=True,
        )
        self._fabric: Any = Fabric(accelerator="cpu", devices=1)
        self._model, self._optimizer = self._fabric.setup(model, optimizer)
        self._loss = torch.tensor(math.nan)

    stage = native_torch.Loop.stage

    def step(self, batch: int) -> None:
        """Take one step."""
        rows = self._batches[batch]
        outputs = self._model(self._inputs.index_select(0, rows)).flatten(0, -2)
        targets = self._targets.index_select(0, rows).flatten()
        loss = functional.cross_entropy(outputs, targets)
        self._optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        self._optimizer.step()
        self._loss = loss

    wait = native_torch.Loop.wait
    loss = native_torch.Loop.loss
    compilations = native_torch.Loop.compilations
