"""Builds the model of a whole workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from envdoctor_tinygrad.layers import Function, build_layer, channels_first, channels_last

if TYPE_CHECKING:
    from tinygrad import Tensor

    from envdoctor.child.contract import Workload
    from envdoctor_tinygrad.place import Place


def build_model(workload: Workload, place: Place) -> Function:
    """The forward pass of a workload, from inputs to outputs in their canonical shapes."""
    functions: List[Function] = []
    if len(workload.input_shape) == 3:
        functions.append(channels_first)
    functions += [build_layer(layer, place) for layer in workload.layers]
    if len(workload.layers[-1].output_shape) == 3:
        functions.append(channels_last)

    def forward(x: Tensor) -> Tensor:
        return x.sequential(functions)

    return forward
