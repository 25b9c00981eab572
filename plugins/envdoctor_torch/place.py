"""Where the layers of a model are built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Type

import torch
from torch import nn

if TYPE_CHECKING:
    from envdoctor_torch.parameters import Binding


@dataclass(frozen=True)
class Place:
    """The type and the device of a layer, and the parameters of the layers before it."""

    dtype: torch.dtype
    device: torch.device
    earlier: Mapping[str, Binding]

    def make(self, kind: Type[nn.Module], *sizes: int, **options: Any) -> Any:
        """A module of torch.nn whose parameters are still to be loaded.

        Its own initialisation happens on no device, so that it draws no random numbers.
        """
        module = kind(*sizes, dtype=self.dtype, device=torch.device("meta"), **options)
        return module.to_empty(device=self.device)

    def make_parameter(self, *sizes: int) -> nn.Parameter:
        """A parameter that is still to be loaded."""
        return nn.Parameter(torch.empty(sizes, dtype=self.dtype, device=self.device))
