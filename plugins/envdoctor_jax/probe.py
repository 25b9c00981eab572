"""Exercises JAX on one device."""

from __future__ import annotations

import importlib
import math
import os
from importlib import metadata
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of JAX, or exercise one."""
    if device == "cpu":
        # Otherwise every backend is initialised, and one that fails takes the CPU with it.
        os.environ["JAX_PLATFORMS"] = "cpu"
    exercise(JaxExercises, report, device)


class JaxExercises:
    """The exercises, each compiled by `jit` where users would."""

    def __init__(self) -> None:
        self._jax: Any = importlib.import_module("jax")
        self._numpy: Any = importlib.import_module("jax.numpy")

    def details(self) -> Dict[str, str]:
        """The versions of both parts."""
        return {"version": str(self._jax.__version__), "jaxlib": metadata.version("jaxlib")}

    def devices(self) -> List[str]:
        """The CPU, and every device of the default backend."""
        found = [f"{each.platform}:{each.id}" for each in self._jax.local_devices()]
        return ["cpu", *(each for each in found if not each.startswith("cpu"))]

    def why_no_gpu(self) -> str:
        """What asking for a GPU says; without being asked JAX falls back to the CPU."""
        try:
            self._jax.local_devices(backend="gpu")
        except Exception as error:  # noqa: BLE001
            return f"{type(error).__name__}: {error}"
        return ""

    def use(self, device: str) -> None:
        """Place everything on this device."""
        platform, _, number = device.partition(":")
        found = self._jax.local_devices(backend=platform)
        chosen = next(each for each in found if not number or each.id == int(number))
        self._jax.config.update("jax_default_device", chosen)
        self._array([[1.0]]).block_until_ready()

    def allocate(self, numbers: int) -> float:
        """The sum of ones on the device."""
        return float(self._numpy.ones(numbers, dtype="float32").sum())

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """`@` in float32."""
        multiply = self._jax.jit(lambda one, two: one @ two)
        return multiply(self._array(left), self._array(right)).tolist()

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """The general convolution of a batch of one image with one channel."""
        operands = self._array([[image]]), self._array([[kernel]])
        return self._jax.lax.conv_general_dilated(*operands, (1, 1), "VALID").tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """Two products with a softmax between them, in one program."""

        def attend(wanted: Any, offered: Any, given: Any) -> Any:
            scores = wanted @ offered.T / math.sqrt(wanted.shape[1])
            return self._jax.nn.softmax(scores) @ given

        operands = [self._array(each) for each in (query, key, value)]
        return self._jax.jit(attend)(*operands).tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """By `grad`."""
        given, wanted = self._array(inputs), self._array(targets)

        def loss(parameters: Any) -> Any:
            return ((given @ parameters - wanted) ** 2).sum() / 2

        return self._jax.jit(self._jax.grad(loss))(self._array(weights)).tolist()

    def _array(self, numbers: Any) -> Any:
        return self._numpy.array(numbers, dtype="float32")
