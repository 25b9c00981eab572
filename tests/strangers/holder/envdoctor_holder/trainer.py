"""The NumPy trainer; in mode `holds`, a torch tensor lives as long as it does."""

from __future__ import annotations

import torch  # noqa: TID253  a trainer's own framework

from envdoctor_numpy import trainer

TENSOR_BYTES = 256 * 2**20


class Trainer(trainer.Trainer):
    """Right, and heavy in one mode."""

    def __init__(self, job, weights):
        if job.setting.mode == "holds":
            self._tensor = torch.ones(TENSOR_BYTES // 4)
        super().__init__(job, weights)
