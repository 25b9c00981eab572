"""The plan of batches: which samples, in which order, the same for every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def plan_batches(samples: int, batch: int, steps: int, seed: int) -> NDArray[Any]:
    """Rows for each step, (steps, batch) int32: a fresh permutation an epoch, its rest dropped.

    Args:
        samples: rows of the training set, at least `batch`.
        batch: rows of a step.
        steps: how many batches to plan.
        seed: of the permutations; they do not depend on those of the weights.
    """
    generator = np.random.Generator(np.random.Philox([seed, 2]))
    per_epoch = samples // batch
    epochs = -(-steps // per_epoch)
    rows = [
        generator.permutation(samples)[: per_epoch * batch].reshape(per_epoch, batch)
        for _ in range(epochs)
    ]
    return np.concatenate(rows)[:steps].astype(np.int32)
