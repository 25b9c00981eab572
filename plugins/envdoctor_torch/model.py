"""Builds the module of a whole workload, and what is minimised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, List, Tuple

import torch
from torch import Tensor, nn

from envdoctor.child.contract import Unsupported, Workload
from envdoctor_torch.layers import build_layer
from envdoctor_torch.losses import LOSSES, Loss
from envdoctor_torch.modules import ToChannelsFirst, ToChannelsLast
from envdoctor_torch.place import Place

if TYPE_CHECKING:
    from envdoctor_torch.parameters import Bindings

Objective = Callable[[Tensor, Tensor, Tensor], Tuple[Tensor, Tensor]]


def build_model(
    workload: Workload, dtype: torch.dtype, device: torch.device
) -> Tuple[nn.Sequential, Bindings]:
    """The model of a workload with empty parameters, and those by canonical name."""
    parts: List[nn.Module] = []
    bindings: Bindings = {}
    if len(workload.input_shape) == 3:
        parts.append(ToChannelsFirst())
    for layer in workload.layers:
        modules, parameters = build_layer(layer, Place(dtype, device, bindings))
        parts.extend(modules)
        bindings.update(parameters)
    if len(workload.layers[-1].output_shape) == 3:
        parts.append(ToChannelsLast())
    return nn.Sequential(*parts), bindings


def find_loss(name: str) -> Loss:
    """The loss of that name. Raises Unsupported when there is none."""
    if name not in LOSSES:
        raise Unsupported(f"the torch backend has no loss {name}")
    return LOSSES[name]


def build_objective(model: nn.Module, loss: Loss) -> Objective:
    """The forward pass of a step, as a function of all inputs, all targets and the batch's rows.

    It returns the loss and the outputs of the model.
    """

    def objective(inputs: Tensor, targets: Tensor, rows: Tensor) -> Tuple[Tensor, Tensor]:
        outputs = model(inputs.index_select(0, rows))
        # Detached, or a compiled backward pass would add a gradient of zeros for the outputs.
        return loss(outputs, targets.index_select(0, rows)), outputs.detach()

    return objective
