"""Exercises Lightning on one device."""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise
from envdoctor_torch.probe import TorchExercises

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix

ACCELERATORS = ("cpu", "cuda", "mps")
QUIET = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
"""So that the Trainer writes no files, and nothing of its own to the terminal."""


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices that Lightning can use, or exercise it on one."""
    exercise(LightningExercises, report, device)


class LightningExercises(TorchExercises):
    """The exercises, by Fabric and the Trainer where they take part; the others are PyTorch's."""

    def __init__(self) -> None:
        super().__init__()
        self._lightning: Any = importlib.import_module("lightning.pytorch")
        self._fabric: Any = importlib.import_module("lightning.fabric").Fabric

    def details(self) -> Dict[str, str]:
        """The versions of the parts."""
        return {
            "version": metadata.version("lightning"),
            "torch": str(self._torch.__version__),
        }

    def devices(self) -> List[str]:
        """Those of PyTorch for which Lightning has an accelerator."""
        return [each for each in super().devices() if each.partition(":")[0] in ACCELERATORS]

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """A linear layer that Fabric has set up."""
        layer = self._torch.nn.Linear(len(right), len(right[0]), bias=False)
        with self._torch.no_grad():
            layer.weight.copy_(self._torch.tensor(right, dtype=self._torch.float32).T)
        return self._fabric(**self._options()).setup(layer)(self._tensor(left)).tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """What one step of the Trainer subtracts, with plain gradient descent at a rate of one."""
        torch = self._torch
        given, right, wanted = (
            torch.tensor(each, dtype=torch.float32) for each in (inputs, weights, targets)
        )

        class Layer(self._lightning.LightningModule):  # type: ignore[name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.kernel = torch.nn.Parameter(right.clone())

            def training_step(self, batch: Any, _: int) -> Any:
                differences = batch[0] @ self.kernel - batch[1]
                return differences.square().sum() / 2

            def configure_optimizers(self) -> Any:
                return torch.optim.SGD(self.parameters(), lr=1.0)

        layer = Layer()
        trainer = self._lightning.Trainer(max_steps=1, **QUIET, **self._options())
        # A list would be taken for several loaders.
        batches = torch.utils.data.DataLoader([(given, wanted)], batch_size=None)
        trainer.fit(layer, batches)
        return (right - layer.kernel.detach().cpu()).tolist()

    def _options(self) -> Dict[str, Any]:
        kind, _, number = self._device.partition(":")
        return {"accelerator": kind, "devices": [int(number)] if number else 1}
