"""Builds the module of a whole workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Tuple

from mlx import nn

from envdoctor.child.layers import Unembedding
from envdoctor_mlx.layers import Part, activation_of, build_layer
from envdoctor_mlx.parameters import Places, below

if TYPE_CHECKING:
    from envdoctor.child.contract import Workload


def build_model(workload: Workload) -> Tuple[nn.Sequential, Places]:
    """The model of a workload with parameters still to be loaded, and where those lie."""
    parts: List[Part] = []
    places: Places = {}
    by_name: Dict[str, Part] = {}
    for layer in workload.layers:
        if isinstance(layer, Unembedding):
            # A method, not a module: the tied table stays one parameter.
            parts.append(by_name[layer.of].as_linear)  # type: ignore[attr-defined]
            continue
        part, found = build_layer(layer)
        places.update(below(f"layers.{len(parts)}", found))
        by_name[layer.name] = part
        parts += (part, *activation_of(layer))
    return nn.Sequential(*parts), places
