"""Exercises PyTorch on one device."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of PyTorch, or exercise one."""
    exercise(TorchExercises, report, device)


class TorchExercises:
    """The exercises in eager mode."""

    def __init__(self) -> None:
        self._torch: Any = importlib.import_module("torch")
        self._device = "cpu"

    def details(self) -> Dict[str, str]:
        """The build, and what it is compiled for."""
        torch = self._torch
        found = {
            "version": str(torch.__version__),
            "cuda": str(torch.version.cuda or ""),
            "rocm": str(torch.version.hip or ""),
            "threads": str(torch.get_num_threads()),
        }
        # `torch.cuda.get_arch_list` asks the driver first; the flags are in the library.
        with contextlib.suppress(AttributeError):
            found["architectures"] = str(torch._C._cuda_getArchFlags() or "")  # noqa: SLF001
        return found

    def devices(self) -> List[str]:
        """The CPU, every CUDA, HIP and XPU device, and Metal."""
        torch = self._torch
        found = ["cpu"]
        if torch.cuda.is_available():
            found += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        # Older versions lack these modules.
        with contextlib.suppress(AttributeError):
            if torch.backends.mps.is_available():
                found.append("mps")
        with contextlib.suppress(AttributeError):
            found += [f"xpu:{index}" for index in range(torch.xpu.device_count())]
        return found

    def why_no_gpu(self) -> str:
        """What initialising CUDA says; `is_available` keeps it to itself."""
        if not (self._torch.version.cuda or self._torch.version.hip):
            return "this build has no CUDA"
        try:
            self._torch.cuda.init()
        except Exception as error:  # noqa: BLE001
            return f"{type(error).__name__}: {error}"
        return ""

    def use(self, device: str) -> None:
        """Place everything on this device."""
        self._device = device
        self._tensor([[1.0]])

    def allocate(self, numbers: int) -> float:
        """The sum of ones on the device."""
        ones = self._torch.ones(numbers, dtype=self._torch.float32, device=self._device)
        return float(ones.sum().item())

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """`@` in float32."""
        return (self._tensor(left) @ self._tensor(right)).tolist()

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """`conv2d` of a batch of one image with one channel."""
        functional = self._torch.nn.functional
        return functional.conv2d(self._tensor([[image]]), self._tensor([[kernel]])).tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """The fused operation, with whichever kernel it chooses."""
        operands = [self._tensor([[each]]) for each in (query, key, value)]
        return self._torch.nn.functional.scaled_dot_product_attention(*operands).tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """By autograd."""
        parameters = self._tensor(weights).requires_grad_()
        differences = self._tensor(inputs) @ parameters - self._tensor(targets)
        (differences.square().sum() / 2).backward()
        return parameters.grad.tolist()

    def _tensor(self, numbers: Any) -> Any:
        return self._torch.tensor(numbers, dtype=self._torch.float32, device=self._device)
