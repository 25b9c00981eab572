"""Exercises NumPy: its products are those of the BLAS that it was built with."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of NumPy, which is the CPU, or exercise it."""
    exercise(NumpyExercises, report, device)


class NumpyExercises:
    """The exercises, with derivatives written by hand."""

    def __init__(self) -> None:
        self._numpy: Any = importlib.import_module("numpy")

    def details(self) -> Dict[str, str]:
        """The version, and the folder that it comes from."""
        return {"version": str(self._numpy.__version__), "file": str(self._numpy.__file__)}

    def devices(self) -> List[str]:
        """The CPU."""
        return ["cpu"]

    def why_no_gpu(self) -> str:
        """NumPy has none."""
        return ""

    def use(self, device: str) -> None:
        """There is no choice."""

    def allocate(self, numbers: int) -> float:
        """The sum of ones."""
        return float(self._numpy.ones(numbers, dtype="float32").sum())

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """`@` in float32."""
        return (self._array(left) @ self._array(right)).tolist()

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """A product of windows with the kernel."""
        weights = self._array(kernel)
        views = self._numpy.lib.stride_tricks.sliding_window_view
        windows = views(self._array(image), weights.shape)
        return self._numpy.einsum("yxij,ij->yx", windows, weights).tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """Two products with a softmax between them."""
        wanted = self._array(query)
        scores = wanted @ self._array(key).T / math.sqrt(wanted.shape[1])
        weights = self._numpy.exp(scores - scores.max(axis=1, keepdims=True))
        return (weights / weights.sum(axis=1, keepdims=True) @ self._array(value)).tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """The transposed inputs times the differences."""
        given = self._array(inputs)
        return (given.T @ (given @ self._array(weights) - self._array(targets))).tolist()

    def _array(self, numbers: Matrix) -> Any:
        return self._numpy.array(numbers, dtype="float32")
