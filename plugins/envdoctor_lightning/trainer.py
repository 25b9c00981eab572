"""Trains the models of the torch backend through Lightning, to see what that costs.

Mode `fabric` is a loop of one's own with Lightning Fabric; in mode `trainer` the loop is that of
Lightning's Trainer. Everything else is the eager mode of the torch backend, the modules included.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Mapping, Optional, Tuple

import torch

from envdoctor.child.contract import Unsupported
from envdoctor_lightning.fabric import set_up_fabric
from envdoctor_lightning.feed import Feed
from envdoctor_lightning.fit import Fit
from envdoctor_lightning.module import Step
from envdoctor_lightning.options import accelerator_options
from envdoctor_torch import devices
from envdoctor_torch import trainer as torch_trainer

if TYPE_CHECKING:
    from torch import Tensor

    from envdoctor.child.contract import Array, Data, Job, Setting
    from envdoctor_torch.differentiation import Pass
    from envdoctor_torch.losses import Loss

MODES = ("fabric", "trainer")


class Trainer(torch_trainer.Trainer):
    """One model being trained by PyTorch through Lightning on one device."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads and precision, then multiply two numbers on the device."""
        if setting.mode not in MODES:
            raise Unsupported(f"the lightning backend has no mode {setting.mode}")
        devices.prepare(replace(setting, mode="eager"))
        # Fabric gives outputs back in the default type, whatever the model computes in.
        torch.set_default_dtype(devices.dtype_of(setting))

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build model and optimiser, and hand both to Fabric or to a LightningModule."""
        self._mode = job.setting.mode
        self._fit: Optional[Fit] = None
        super().__init__(job, weights)

    def stage(self, data: Data) -> None:
        """Put data and plan on the device; in mode `trainer`, start to fit."""
        super().stage(data)
        if self._mode == "trainer":
            self._module.inputs, self._module.targets = self._inputs["train"], self._targets
            options = accelerator_options(self._device, self._dtype)
            self._fit = Fit(self._module, self._feed, options)

    def step(self, batch: int) -> None:
        """Forward, backward, update."""
        if self._fit is None:
            super().step(batch)
        else:
            self._fit.step(self._batches[batch])

    def wait(self) -> None:
        """Return when all steps are done and the device is idle."""
        if self._fit is not None:
            self._fit.wait()
            self._loss = self._module.latest_loss
        super().wait()

    def loss(self) -> float:
        """The loss of the latest step, before its update; not a number before the first one."""
        self.wait()
        return super().loss()

    def outputs(self, split: str) -> Array:
        """Run the model on all of `train` or `test`, in pieces of one batch."""
        self.wait()
        return super().outputs(split)

    def weights(self) -> Mapping[str, Array]:
        """Copies of the parameters, in canonical layout."""
        self.wait()
        return super().weights()

    def _build_pass(self, loss: Loss) -> Pass:
        if self._mode == "fabric":
            run, self._model, self._optimizer = set_up_fabric(
                self._model, self._optimizer, loss, self._device
            )
            return run
        self._feed = Feed()
        self._module = Step(self._model, loss, self._optimizer, self._feed)
        return self._differentiate_in_fit

    def _differentiate_in_fit(self, _: Tensor, __: Tensor, rows: Tensor) -> Tuple[Tensor, Tensor]:
        """A step of the running `fit` without its update."""
        if self._fit is None:
            raise RuntimeError("the data are staged first")
        self._fit.step(rows, updates=False)
        self._fit.wait()
        return self._module.latest_loss, self._module.latest_outputs
