"""The query-key-value projection of a block: one parameter in the contract, three in ViT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Mapping

import numpy as np

if TYPE_CHECKING:
    from envdoctor.child.contract import Array

WHOLE = ".qkv."
PARTS = (".query.", ".key.", ".value.")


def split_projections(weights: Mapping[str, Array]) -> Dict[str, Array]:
    """The parts of every projection, by name: (in, 3 * width) to three of (in, width)."""
    return {
        name.replace(WHOLE, part): piece
        for name, value in weights.items()
        if WHOLE in name
        for part, piece in zip(PARTS, np.split(value, len(PARTS), axis=-1))
    }


def join_projections(tensors: Mapping[str, Array]) -> Dict[str, Array]:
    """Canonical tensors: the parts are joined in one again, all else stays as it is."""
    joined: Dict[str, Array] = {}
    for name, value in tensors.items():
        if PARTS[0] in name:
            pieces = [tensors[name.replace(PARTS[0], part)] for part in PARTS]
            joined[name.replace(PARTS[0], WHOLE)] = np.concatenate(pieces, axis=-1)
        elif not any(part in name for part in PARTS):
            joined[name] = value
    return joined
