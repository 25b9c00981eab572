"""The square product of PyTorch, for the practical peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import torch

from envdoctor.child.products import random_matrices
from envdoctor_torch import devices

if TYPE_CHECKING:
    from envdoctor.child.contract import Setting


def make_product(size: int, setting: Setting) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the device."""
    device = devices.find_device(setting)
    left, right = (torch.from_numpy(matrix).to(device) for matrix in random_matrices(size))
    result = torch.empty_like(left)

    def multiply() -> None:
        torch.mm(left, right, out=result)
        devices.wait(device)

    return multiply
