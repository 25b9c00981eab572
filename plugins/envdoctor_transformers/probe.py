"""Exercises Transformers on one device."""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any, Dict, Optional

from envdoctor.child.exercises import Report, exercise
from envdoctor_torch.probe import TorchExercises

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix

PARTS = ("torch", "tokenizers", "huggingface-hub", "safetensors")


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of PyTorch, or exercise Transformers on one."""
    exercise(TransformersExercises, report, device)


class TransformersExercises(TorchExercises):
    """The exercises, by parts of GPT-2 where there is one; the others are PyTorch's."""

    def __init__(self) -> None:
        super().__init__()
        # The package alone imports next to nothing: what breaks shows when a model is asked for.
        importlib.import_module("transformers.models.gpt2.modeling_gpt2")
        self._utilities: Any = importlib.import_module("transformers.pytorch_utils")
        self._modeling: Any = importlib.import_module("transformers.modeling_utils")

    def details(self) -> Dict[str, str]:
        """The versions of the parts."""
        found = {"version": metadata.version("transformers")}
        for name in PARTS:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        return found

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """The layer by which GPT-2 multiplies."""
        return self._projection(right)(self._tensor(left)).tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """The attention that models choose by default, with one head."""
        kinds: Any = getattr(self._modeling, "ALL_ATTENTION_FUNCTIONS", None)
        if kinds is None:  # before 4.48 each model had an attention of its own
            return super().attention(query, key, value)
        operands = [self._tensor([[each]]) for each in (query, key, value)]
        module = self._torch.nn.Identity()
        module.is_causal = False
        # Shaped (batch, steps, heads, width).
        outputs, _ = kinds["sdpa"](module, *operands, attention_mask=None)
        return outputs[0, :, 0].tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """The gradient of the kernel of that layer, by autograd."""
        layer = self._projection(weights)
        differences = layer(self._tensor(inputs)) - self._tensor(targets)
        (differences.square().sum() / 2).backward()
        return layer.weight.grad.tolist()

    def _projection(self, kernel: Matrix) -> Any:
        layer = self._utilities.Conv1D(len(kernel[0]), len(kernel)).to(self._device)
        with self._torch.no_grad():
            layer.weight.copy_(self._tensor(kernel))
            layer.bias.zero_()
        return layer
