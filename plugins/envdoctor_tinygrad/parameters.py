"""Parameters by canonical name, and the way between canonical layout and tinygrad's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Tuple

import numpy as np

if TYPE_CHECKING:
    from tinygrad import Tensor

    from envdoctor.child.contract import Array


@dataclass(frozen=True)
class Binding:
    """One canonical parameter: the tensor that holds it, with its axes in tinygrad's order.

    Axis i of the tensor is axis `axes[i]` of the canonical parameter.
    """

    tensor: Tensor
    axes: Tuple[int, ...]

    def to_canonical(self, value: Any) -> Array:
        """A copy, in canonical layout, of the parameter or of something shaped like it."""
        return np.array(value.numpy().transpose(np.argsort(self.axes)), order="C")


Bindings = Dict[str, Binding]

VECTOR = (0,)
TABLE = (0, 1)
LINEAR = (1, 0)
"""tinygrad keeps the kernel of a linear layer as (out, in)."""
CONVOLUTION = (3, 2, 0, 1)
"""And that of a convolution as (out, in, height, width)."""
