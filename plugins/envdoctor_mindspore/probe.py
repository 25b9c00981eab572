"""Exercises MindSpore on one device."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix

TARGETS = {"cpu": "CPU", "cuda": "GPU", "npu": "Ascend"}


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of MindSpore, or exercise one."""
    exercise(MindsporeExercises, report, device)


class MindsporeExercises:
    """The exercises in PyNative mode."""

    def __init__(self) -> None:
        self._mindspore: Any = importlib.import_module("mindspore")

    def details(self) -> Dict[str, str]:
        """The version."""
        return {"version": str(self._mindspore.__version__)}

    def devices(self) -> List[str]:
        """The CPU, and the first of each other kind that it counts any of."""
        counts = {name: self._count(target) for name, target in TARGETS.items()}
        return ["cpu", *(name for name, count in counts.items() if name != "cpu" and count)]

    def why_no_gpu(self) -> str:
        """Nothing: it does not say."""
        return ""

    def use(self, device: str) -> None:
        """Place everything on this device, for the whole process."""
        self._mindspore.set_device(TARGETS[device])
        self._mindspore.set_context(mode=self._mindspore.PYNATIVE_MODE)
        self._tensor([[1.0]]).asnumpy()

    def allocate(self, numbers: int) -> float:
        """The sum of ones on the device."""
        return float(self._mindspore.ops.ones(numbers, self._mindspore.float32).sum().asnumpy())

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """`matmul` in float32."""
        return self._mindspore.ops.matmul(self._tensor(left), self._tensor(right)).tolist()

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """`conv2d` of a batch of one image with one channel."""
        ops = self._mindspore.ops
        return ops.conv2d(self._tensor([[image]]), self._tensor([[kernel]])).tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """Two products with a softmax between them."""
        ops = self._mindspore.ops
        wanted, offered, given = (self._tensor(each) for each in (query, key, value))
        scores = ops.matmul(wanted, offered.swapaxes(0, 1)) / len(query[0]) ** 0.5
        return ops.matmul(ops.softmax(scores, -1), given).tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """By `grad`."""
        given, wanted = self._tensor(inputs), self._tensor(targets)

        def loss(parameters: Any) -> Any:
            return ((self._mindspore.ops.matmul(given, parameters) - wanted) ** 2).sum() / 2

        return self._mindspore.grad(loss)(self._tensor(weights)).tolist()

    def _count(self, target: str) -> int:
        try:
            return int(self._mindspore.hal.device_count(target))
        except (RuntimeError, ValueError, TypeError):
            return 0

    def _tensor(self, numbers: Any) -> Any:
        return self._mindspore.Tensor(numbers, self._mindspore.float32)
