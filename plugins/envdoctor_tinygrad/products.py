"""The square product of tinygrad, for the practical peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from tinygrad import Tensor, TinyJit

from envdoctor.child.products import random_matrices
from envdoctor_tinygrad import devices

if TYPE_CHECKING:
    from envdoctor.child.contract import Setting

CAPTURED_CALL = 2
"""The first call runs kernel by kernel, the second captures, and the third replays."""


def make_product(size: int, setting: Setting) -> Callable[[], None]:
    """A function that multiplies two float32 matrices (size, size) and waits for the device."""
    device = devices.find_device(setting)
    left, right = (Tensor(each, device=device).realize() for each in random_matrices(size))

    @TinyJit
    def product(one: Tensor, two: Tensor) -> Tensor:
        return (one @ two).realize()

    def multiply() -> None:
        product(left, right)
        devices.wait(device)

    for _ in range(CAPTURED_CALL):
        multiply()
    return multiply
