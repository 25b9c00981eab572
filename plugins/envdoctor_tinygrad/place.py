"""Where the layers of a model are built, and from which weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Tuple

import numpy as np
from tinygrad import Tensor

from envdoctor_tinygrad.parameters import VECTOR, Binding, Bindings

if TYPE_CHECKING:
    from envdoctor.child.contract import Array


class Place:
    """The type and the device of a model, its weights, and which tensors hold them so far."""

    def __init__(self, dtype: Any, device: str, weights: Mapping[str, Array]) -> None:
        """Nothing is made yet.

        Args:
            dtype: of the parameters, for NumPy.
            device: as tinygrad names it.
            weights: by canonical name, in canonical layout.
        """
        self.dtype = dtype
        self.device = device
        self.bindings: Bindings = {}
        self._weights = weights

    def put(self, values: Array) -> Tensor:
        """Something that is not trained, on the device; integers become int32."""
        dtype = self.dtype if values.dtype.kind == "f" else np.int32
        return Tensor(np.array(values, dtype), device=self.device).is_param_(False).realize()

    def make(self, name: str, axes: Tuple[int, ...] = VECTOR) -> Tensor:
        """The parameter of that name on the device, in the order of these axes."""
        value = np.array(self._weights[name].transpose(axes), self.dtype, order="C")
        tensor = Tensor(value, device=self.device).realize()
        self.bindings[name] = Binding(tensor, axes)
        return tensor
