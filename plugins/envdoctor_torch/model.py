"""Builds the module of a whole workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Tuple

from torch import nn

from envdoctor_torch.layers import build_layer
from envdoctor_torch.modules import ToChannelsFirst, ToChannelsLast
from envdoctor_torch.place import Place

if TYPE_CHECKING:
    import torch

    from envdoctor.child.contract import Workload
    from envdoctor_torch.parameters import Bindings


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
