"""Arrays that start on a cache line.

NumPy aligns to 16 bytes, and vector instructions of 64 bytes then cross a line at every access or
at none, as chance has it, and the same chance in every process that allocates in the same order:
two trainers of equal code differed by 4 to 10 % in each of 11 launches.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Sequence, Union

import numpy as np

if TYPE_CHECKING:
    from envdoctor.child.contract import Array

LINE_BYTES = 64
"""Of a cache line on x86-64 and most ARM processors, and of an AVX-512 register."""

Shape = Union[int, Sequence[int]]


def empty(shape: Shape, dtype: Any) -> Array:
    """An array in C order, its values undefined."""
    lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    kind = np.dtype(dtype)
    size = math.prod(lengths) * kind.itemsize
    memory = np.empty(size + LINE_BYTES, np.uint8)
    start = -memory.ctypes.data % LINE_BYTES
    array: Array = memory[start : start + size].view(kind).reshape(lengths)
    return array


def zeros(shape: Shape, dtype: Any) -> Array:
    """An array of zeros."""
    return full(shape, 0, dtype)


def ones(shape: Shape, dtype: Any) -> Array:
    """An array of ones."""
    return full(shape, 1, dtype)


def full(shape: Shape, value: float, dtype: Any) -> Array:
    """An array of one value."""
    array = empty(shape, dtype)
    array.fill(value)
    return array


def empty_like(array: Array) -> Array:
    """An array of the shape and type of another, its axes in the same order in memory."""
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    inner = empty([array.shape[axis] for axis in order], array.dtype)
    return inner.transpose(np.argsort(order))


def zeros_like(array: Array) -> Array:
    """Zeros in the shape and type of another array."""
    made = empty_like(array)
    made.fill(0)
    return made
