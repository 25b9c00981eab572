"""Exercises MLX on one device."""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of MLX, or exercise one."""
    exercise(MlxExercises, report, device)


class MlxExercises:
    """The exercises; MLX is lazy, and reading a result computes it."""

    def __init__(self) -> None:
        self._mx: Any = importlib.import_module("mlx.core")

    def details(self) -> Dict[str, str]:
        """The version, and whether it is built for Metal."""
        metal = "yes" if self._mx.metal.is_available() else "no"
        return {"version": metadata.version("mlx"), "metal": metal}

    def devices(self) -> List[str]:
        """The CPU, and every GPU that this build can use."""
        mx = self._mx
        found = mx.device_count(mx.gpu) if mx.is_available(mx.gpu) else 0
        return ["cpu", *(f"gpu:{index}" for index in range(found))]

    def why_no_gpu(self) -> str:
        """What placing an array on the GPU says."""
        try:
            self._mx.eval(self._mx.ones(1, stream=self._mx.gpu))
        except Exception as error:  # noqa: BLE001
            return f"{type(error).__name__}: {error}"
        return ""

    def use(self, device: str) -> None:
        """Place everything on this device."""
        mx = self._mx
        kind, _, number = device.partition(":")
        mx.set_default_device(mx.Device(mx.cpu if kind == "cpu" else mx.gpu, int(number or 0)))
        mx.eval(mx.ones(1))

    def allocate(self, numbers: int) -> float:
        """The sum of ones on the device."""
        return float(self._mx.ones(numbers).sum().item())

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """`@` in float32."""
        return (self._array(left) @ self._array(right)).tolist()

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """`conv2d` of a batch of one image with one channel, which is the last axis here."""
        pixels = self._array(image)[None, :, :, None]
        weights = self._array(kernel)[None, :, :, None]
        return self._mx.conv2d(pixels, weights).transpose(0, 3, 1, 2).tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """The fused operation, with whichever kernel it chooses."""
        operands = [self._array([[each]]) for each in (query, key, value)]
        attend = self._mx.fast.scaled_dot_product_attention
        return attend(*operands, scale=len(query[0]) ** -0.5).tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """By `mx.grad`."""
        given, wanted = self._array(inputs), self._array(targets)

        def loss(parameters: Any) -> Any:
            return self._mx.square(given @ parameters - wanted).sum() / 2

        return self._mx.grad(loss)(self._array(weights)).tolist()

    def _array(self, numbers: Any) -> Any:
        return self._mx.array(numbers, self._mx.float32)
