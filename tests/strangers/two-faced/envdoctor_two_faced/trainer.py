"""NumPy's trainer; in mode `false`, its gradients shrink a little when float32 is timed."""

from __future__ import annotations

from dataclasses import replace

from envdoctor_numpy import trainer


class Trainer(trainer.Trainer):
    """Right, but in one mode."""

    @staticmethod
    def start(setting):
        """Let NumPy start as its own mode."""
        trainer.Trainer.start(replace(setting, mode="numpy"))

    def __init__(self, job, weights):
        self._false = job.setting.mode == "false"
        super().__init__(replace(job, setting=replace(job.setting, mode="numpy")), weights)

    def differentiate(self, batch):
        """Scale one tensor."""
        found = super().differentiate(batch)
        if self._false:
            name = min(found.tensors)
            found.tensors[name] = found.tensors[name] * 0.99
        return found
