"""Builds the cell of a whole workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Tuple

from mindspore import nn

from envdoctor_mindspore.cells import Transpose
from envdoctor_mindspore.layers import CHANNELS_FIRST, CHANNELS_LAST, build_layer

if TYPE_CHECKING:
    from envdoctor.child.contract import Workload
    from envdoctor_mindspore.parameters import Bindings


def build_model(workload: Workload) -> Tuple[nn.Cell, Bindings]:
    """The model of a workload with parameters still to be loaded, and those by canonical name."""
    cells: List[nn.Cell] = []
    bindings: Bindings = {}
    if len(workload.input_shape) == 3:
        cells.append(Transpose(*CHANNELS_FIRST))
    for layer in workload.layers:
        built, parameters = build_layer(layer, bindings)
        cells.extend(built)
        bindings.update(parameters)
    if len(workload.layers[-1].output_shape) == 3:
        cells.append(Transpose(*CHANNELS_LAST))
    model = nn.SequentialCell(cells)
    model.set_train()
    return model, bindings
