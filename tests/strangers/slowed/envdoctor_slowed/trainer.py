"""The NumPy trainer; in mode `by5`, every step takes a twentieth of its time more."""

from __future__ import annotations

from time import perf_counter_ns

from envdoctor_numpy import trainer

PLANTED = 0.05


class Trainer(trainer.Trainer):
    """Right, and in one mode a little slow."""

    def __init__(self, job, weights):
        self._slow = job.setting.mode == "by5" and job.setting.precision == "fp32"
        super().__init__(job, weights)

    def step(self, batch):
        """Take a step, and then do nothing for a twentieth of what it took."""
        if not self._slow:
            super().step(batch)
            return
        begun = perf_counter_ns()
        super().step(batch)
        end = perf_counter_ns()
        end += int(PLANTED * (end - begun))
        while perf_counter_ns() < end:
            pass
