"""The LightningModule: a step as its users write it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Optional

import torch
from lightning.pytorch import LightningModule

if TYPE_CHECKING:
    from torch import Tensor, nn

    from envdoctor_lightning.feed import Feed
    from envdoctor_torch.losses import Loss


class Step(LightningModule):
    """Forward pass and loss; Lightning's automatic optimisation does the rest.

    `inputs` and `targets` are the training set on the device, set before the first step;
    `latest_loss` and `latest_outputs` are those of the latest step.
    """

    inputs: Tensor
    targets: Tensor
    latest_outputs: Tensor

    def __init__(
        self, model: nn.Module, loss: Loss, optimizer: torch.optim.Optimizer, feed: Feed
    ) -> None:
        super().__init__()
        self.model = model
        self._objective = loss
        self._optimizer = optimizer
        self._feed = feed
        self.latest_loss = torch.tensor(math.nan)

    def training_step(self, rows: Tensor, _: int) -> Tensor:
        """The loss of the batch that has these rows."""
        outputs = self.model(self.inputs.index_select(0, rows))
        loss = self._objective(outputs, self.targets.index_select(0, rows))
        self.latest_loss, self.latest_outputs = loss.detach(), outputs.detach()
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimiser that was given."""
        return self._optimizer

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: Any,
        optimizer_closure: Optional[Callable[[], Any]] = None,
    ) -> None:
        """Differentiate and update; or only differentiate, where no update is ordered."""
        if self._feed.updates:
            super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        elif optimizer_closure is not None:
            optimizer_closure()
