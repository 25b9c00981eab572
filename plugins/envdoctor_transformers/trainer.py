"""Trains the published architectures of Transformers, in the loop of the torch backend.

Devices, staging, losses, optimisers and evaluation are those of plain PyTorch, because that is
what users of Transformers have; the model is the library's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Mapping, Tuple

import torch

from envdoctor_torch import trainer as torch_trainer
from envdoctor_torch.differentiation import build_eager_pass
from envdoctor_transformers.architectures import build_model
from envdoctor_transformers.projections import join_projections, split_projections

if TYPE_CHECKING:
    from torch import nn

    from envdoctor.child.contract import Array, Gradients, Job, Workload
    from envdoctor_torch.differentiation import Pass
    from envdoctor_torch.losses import Loss
    from envdoctor_torch.parameters import Bindings

PLAIN = frozenset({"dense", "conv2d", "flatten"})


class Trainer(torch_trainer.Trainer):
    """One model of Transformers being trained by PyTorch on one device."""

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build the model from a config that the job determines, and load the weights."""
        super().__init__(job, {**weights, **split_projections(weights)})

    def differentiate(self, batch: int) -> Gradients:
        """Take the forward and backward part of `step` and read everything back."""
        found = super().differentiate(batch)
        return replace(found, tensors=join_projections(found.tensors))

    def weights(self) -> Mapping[str, Array]:
        """Copies of the parameters, in canonical layout."""
        return join_projections(super().weights())

    def _build_model(self, workload: Workload) -> Tuple[nn.Module, Bindings]:
        if _asks_for_no_model(workload):
            return super()._build_model(workload)
        model, bindings = build_model(workload)
        return model.to(self._device, self._dtype), bindings

    def _build_pass(self, loss: Loss) -> Pass:
        if not self._compiled:
            return build_eager_pass(self._model, loss, self._policy)
        # What earlier trainers of this process compiled would count against a limit of programs.
        torch.compiler.reset()
        model: Any = torch.compile(self._model, dynamic=False, fullgraph=True)
        return build_eager_pass(model, loss, self._policy)


def _asks_for_no_model(workload: Workload) -> bool:
    """Whether this is a question about the optimiser, or about the precision of products.

    Both are PyTorch's, and are asked with the one loss that no workload has.
    """
    kinds = {layer.kind for layer in workload.layers}
    return workload.loss == "inner_product" and kinds <= PLAIN
