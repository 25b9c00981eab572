"""Builds the Paddle layer of a whole workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Tuple

from paddle import nn

from envdoctor_paddle.layers import build_layer
from envdoctor_paddle.modules import ToChannelsFirst, ToChannelsLast

if TYPE_CHECKING:
    from envdoctor.child.contract import Workload
    from envdoctor_paddle.parameters import Bindings


def build_model(workload: Workload) -> Tuple[nn.Sequential, Bindings]:
    """The model of a workload with parameters still to be loaded, and those by canonical name.

    Between layers an image is channels-first; everything else has its canonical shape.
    """
    parts: List[Any] = []
    bindings: Bindings = {}
    if len(workload.input_shape) == 3:
        parts.append(ToChannelsFirst())
    for layer in workload.layers:
        found, parameters = build_layer(layer, bindings)
        parts += found
        bindings.update(parameters)
    if len(workload.layers[-1].output_shape) == 3:
        parts.append(ToChannelsLast())
    return nn.Sequential(*_without_round_trips(parts)), bindings


def _without_round_trips(parts: List[Any]) -> List[Any]:
    """The parts without an image that is turned and turned back at once: each turn is a copy."""
    kept: List[Any] = []
    for part in parts:
        turns = {type(part), type(kept[-1])} if kept else set()
        if turns == {ToChannelsFirst, ToChannelsLast}:
            kept.pop()
        else:
            kept.append(part)
    return kept
