"""Exercises tinygrad on one device."""

from __future__ import annotations

import contextlib
import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix

NOT_HERE = ("NULL", "PYTHON", "DISK", "NPY", "TINYFS", "DSP")
"""Devices of tinygrad that compute nothing, or not on this machine."""


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of tinygrad, or exercise one."""
    exercise(TinygradExercises, report, device)


class TinygradExercises:
    """The exercises, each realised as a user would."""

    def __init__(self) -> None:
        self._tinygrad: Any = importlib.import_module("tinygrad")
        self._device = "CPU"

    def details(self) -> Dict[str, str]:
        """The version; what it compiles with is found out on each device."""
        return {"version": metadata.version("tinygrad")}

    def devices(self) -> List[str]:
        """The CPU, and every kind of device that opens."""
        opened = [str(each) for each in self._tinygrad.Device.get_available_devices()]
        return ["cpu", *(each for each in opened if each != "CPU" and each not in NOT_HERE)]

    def why_no_gpu(self) -> str:
        """What opening an NVIDIA GPU by CUDA says; the search for devices keeps it to itself."""
        with contextlib.suppress(KeyError):
            try:
                self._tinygrad.Device["CUDA"]
            except Exception as error:  # noqa: BLE001
                return f"{type(error).__name__}: {error}"
        return ""

    def use(self, device: str) -> None:
        """Place everything on this device."""
        self._device = device.upper()
        self._tensor([[1.0]]).realize()

    def allocate(self, numbers: int) -> float:
        """The sum of ones on the device."""
        ones = self._tinygrad.Tensor.ones(numbers, dtype="float32", device=self._device)
        return float(ones.contiguous().realize().sum().item())

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """`@` in float32."""
        return (self._tensor(left) @ self._tensor(right)).tolist()

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """`conv2d` of a batch of one image with one channel."""
        return self._tensor([[image]]).conv2d(self._tensor([[kernel]])).tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """`scaled_dot_product_attention` of one head."""
        wanted, offered, given = (self._tensor([[each]]) for each in (query, key, value))
        return wanted.scaled_dot_product_attention(offered, given).tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """By `gradient`."""
        parameters = self._tensor(weights)
        differences = self._tensor(inputs) @ parameters - self._tensor(targets)
        return (differences.square().sum() / 2).gradient(parameters)[0].tolist()

    def _tensor(self, numbers: Any) -> Any:
        return self._tinygrad.Tensor(numbers, dtype="float32", device=self._device)
