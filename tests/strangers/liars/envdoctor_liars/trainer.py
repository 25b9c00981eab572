"""The NumPy trainer with the deceit that the mode names."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from envdoctor.child.job import Variation
from envdoctor_numpy.trainer import Trainer as Honest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Data, Gradients, Job

DEPTH = 8
STEP_SECONDS = 2e-3


class Trainer(Honest):
    """Right in all but one thing."""

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        self._mode = job.setting.mode
        self._job = job
        if self._mode == "half" and job.workload.batch > 1:
            job = replace(job, variation=Variation("half-batch"))
        super().__init__(job, weights)
        self._compiled = 0
        self._queue: queue.Queue[int] = queue.Queue(DEPTH)
        if self._mode == "early":
            threading.Thread(target=self._work, daemon=True).start()

    def stage(self, data: Data) -> None:
        """Keep the data, to make another trainer of it."""
        self._kept = data
        super().stage(data)

    def step(self, batch: int) -> None:
        """Take a step, or put it off."""
        self._compiled += 1
        if self._mode == "early":
            self._queue.put(batch)
        else:
            super().step(batch)

    def loss(self) -> float:
        """The loss, when it is there."""
        self._queue.join()
        return super().loss()

    def weights(self) -> Mapping[str, Array]:
        """The parameters, when they are there."""
        self._queue.join()
        return super().weights()

    def differentiate(self, batch: int) -> Gradients:
        """The gradients, after all steps."""
        self._queue.join()
        return super().differentiate(batch)

    def outputs(self, split: str) -> Array:
        """The outputs, perhaps of rounded operands."""
        self._queue.join()
        if self._mode != "tf32" or self._job.setting.precision != "fp32":
            return super().outputs(split)
        job = replace(self._job, setting=replace(self._job.setting, mode="numpy"))
        rounded = Honest(job, {name: _to_tf32(value) for name, value in self.weights().items()})
        inputs = {f"{part}_inputs": _to_tf32(self._kept.inputs(part)) for part in ("train", "test")}
        rounded.stage(replace(self._kept, **inputs))
        return rounded.outputs(split)

    def compilations(self) -> int | None:
        """How many programs were compiled."""
        return self._compiled if self._mode == "recompiles" else None

    def _work(self) -> None:
        while True:
            batch = self._queue.get()
            time.sleep(STEP_SECONDS)
            super().step(batch)
            self._queue.task_done()


def _to_tf32(values: Array) -> Array:
    """Ten bits of a mantissa, the nearest, as tensor cores round their operands."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    return rounded.view(np.float32).astype(values.dtype)
