"""Small problems with known answers, in plain Python: what a probe compares a framework with.

The numbers are small integers wherever that is possible. They and their products are exact in
every format that a framework may compute in, TF32 and bfloat16 among them, and their sums in
float32; so a right answer differs by nothing, and a tolerance hides nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, List

Matrix = List[List[float]]

SIZE = 64
"""Large enough that libraries take their blocked kernels, small enough for a loop in Python."""
LENGTH, WIDTH = 16, 8
"""Positions of the attention, and numbers a position."""
IMAGE, KERNEL = 12, 3


def integers(rows: int, columns: int, seed: int) -> Matrix:
    """A matrix of integers from -5 to 5 without a pattern that could hide an exchange of axes."""
    return [
        [float((row * 7 + column * 3 + row * column * seed) % 11 - 5) for column in range(columns)]
        for row in range(rows)
    ]


def product(left: Matrix, right: Matrix) -> Matrix:
    """The matrix product."""
    columns = list(zip(*right))
    return [[sum(a * b for a, b in zip(row, column)) for column in columns] for row in left]


def transposed(matrix: Matrix) -> Matrix:
    """Rows as columns."""
    return [list(column) for column in zip(*matrix)]


def convolution(image: Matrix, kernel: Matrix) -> Matrix:
    """What frameworks call a convolution, of one channel, without padding: the kernel unflipped."""
    size = len(image) - len(kernel) + 1
    places = [(i, j) for i in range(len(kernel)) for j in range(len(kernel))]
    return [
        [sum(image[y + i][x + j] * kernel[i][j] for i, j in places) for x in range(size)]
        for y in range(size)
    ]


def attention(query: Matrix, key: Matrix, value: Matrix) -> Matrix:
    """One head of scaled dot-product attention."""
    scale = 1 / math.sqrt(len(query[0]))
    weights = []
    for row in product(query, transposed(key)):
        exponentials = [math.exp(scale * (score - max(row))) for score in row]
        weights.append([each / sum(exponentials) for each in exponentials])
    return product(weights, value)


def gradient(inputs: Matrix, weights: Matrix, targets: Matrix) -> Matrix:
    """The gradient of half the sum of squared differences of a linear layer, by its weights."""
    outputs = product(inputs, weights)
    differences = [[a - b for a, b in zip(one, two)] for one, two in zip(outputs, targets)]
    return product(transposed(inputs), differences)


@dataclass(frozen=True)
class Problems:
    """The operands that every framework is given."""

    left: Matrix = field(default_factory=lambda: integers(SIZE, SIZE, 1))
    right: Matrix = field(default_factory=lambda: integers(SIZE, SIZE, 2))
    image: Matrix = field(default_factory=lambda: integers(IMAGE, IMAGE, 3))
    kernel: Matrix = field(default_factory=lambda: integers(KERNEL, KERNEL, 4))
    query: Matrix = field(default_factory=lambda: _quarters(integers(LENGTH, WIDTH, 5)))
    key: Matrix = field(default_factory=lambda: _quarters(integers(LENGTH, WIDTH, 6)))
    value: Matrix = field(default_factory=lambda: integers(LENGTH, WIDTH, 7))
    inputs: Matrix = field(default_factory=lambda: integers(LENGTH, WIDTH, 8))
    weights: Matrix = field(default_factory=lambda: integers(WIDTH, WIDTH, 9))
    targets: Matrix = field(default_factory=lambda: integers(LENGTH, WIDTH, 10))


def _quarters(matrix: Matrix) -> Matrix:
    """Scores of a size that leaves more than one position with a weight."""
    return [[each / 4 for each in row] for row in matrix]


def largest_error(got: Any, known: Matrix) -> float:
    """The largest difference, relative to the largest known number; infinite if it is no number.

    Args:
        got: nested lists; further axes of length one do not matter.
        known: the right answer.
    """
    found, right = _flat(got), _flat(known)
    if len(found) != len(right) or not all(math.isfinite(each) for each in found):
        return math.inf
    largest = max(abs(each) for each in right)
    return max(abs(a - b) for a, b in zip(found, right)) / largest


def _flat(nested: Any) -> List[float]:
    if isinstance(nested, (list, tuple)):
        return [number for part in nested for number in _flat(part)]
    return [float(nested)]
