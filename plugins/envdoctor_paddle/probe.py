"""Exercises PaddlePaddle on one device."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of Paddle, or exercise one."""
    exercise(PaddleExercises, report, device)


class PaddleExercises:
    """The exercises in dynamic mode."""

    def __init__(self) -> None:
        self._paddle: Any = importlib.import_module("paddle")

    def details(self) -> Dict[str, str]:
        """The version, and what it is built with."""
        version = self._paddle.version
        return {
            "version": str(self._paddle.__version__),
            "cuda": str(version.cuda() or ""),
            "cudnn": str(version.cudnn() or ""),
        }

    def devices(self) -> List[str]:
        """The CPU, and every GPU that this build can use."""
        device = self._paddle.device
        found = device.cuda.device_count() if device.is_compiled_with_cuda() else 0
        return ["cpu", *(f"gpu:{index}" for index in range(found))]

    def why_no_gpu(self) -> str:
        """What choosing a GPU says."""
        if not self._paddle.device.is_compiled_with_cuda():
            return "this build has no CUDA"
        try:
            self._paddle.set_device("gpu:0")
        except Exception as error:  # noqa: BLE001
            return f"{type(error).__name__}: {error}"
        return ""

    def use(self, device: str) -> None:
        """Place everything on this device."""
        self._paddle.set_device(device)
        self._tensor([[1.0]])

    def allocate(self, numbers: int) -> float:
        """The sum of ones on the device."""
        return float(self._paddle.ones([numbers], "float32").sum().item())

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """`matmul` in float32."""
        return self._paddle.matmul(self._tensor(left), self._tensor(right)).tolist()

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """`conv2d` of a batch of one image with one channel."""
        functional = self._paddle.nn.functional
        return functional.conv2d(self._tensor([[image]]), self._tensor([[kernel]])).tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """Paddle's own operation, which wants (batch, positions, heads, width)."""
        operands = [self._tensor([each]).unsqueeze(2) for each in (query, key, value)]
        mixed = self._paddle.nn.functional.scaled_dot_product_attention(*operands)
        return mixed.transpose([0, 2, 1, 3]).tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """By autograd."""
        parameters = self._tensor(weights)
        parameters.stop_gradient = False
        differences = self._tensor(inputs) @ parameters - self._tensor(targets)
        (differences.square().sum() / 2).backward()
        return parameters.grad.tolist()

    def _tensor(self, numbers: Any) -> Any:
        return self._paddle.to_tensor(numbers, "float32")
