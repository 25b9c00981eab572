"""NumPy's trainer; in mode `false`, its gradients shrink a little on the device."""

from __future__ import annotations

from dataclasses import replace

from envdoctor_numpy import trainer


class Trainer(trainer.Trainer):
    """Right, but on one device."""

    @staticmethod
    def start(setting):
        """Let NumPy start as its own mode, on the CPU."""
        trainer.Trainer.start(replace(setting, mode="numpy", device="cpu"))

    def __init__(self, job, weights):
        setting = job.setting
        self._false = setting.mode == "false" and setting.device != "cpu"
        super().__init__(
            replace(job, setting=replace(setting, mode="numpy", device="cpu")), weights
        )

    def differentiate(self, batch):
        """Scale one tensor."""
        found = super().differentiate(batch)
        if self._false:
            name = min(found.tensors)
            found.tensors[name] = found.tensors[name] * 0.99
        return found

    @staticmethod
    def product(size, setting):
        """The device is the CPU here too."""
        return trainer.Trainer.product(size, replace(setting, mode="numpy", device="cpu"))
