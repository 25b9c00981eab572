"""The data of a job as the trainer holds it: converted and checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor_numpy.memory import empty

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Data, Workload


@dataclass(frozen=True)
class Staged:
    """Inputs, targets and plan in the types that the trainer computes with."""

    train_inputs: Array
    train_targets: Array
    test_inputs: Array
    batches: Array

    def inputs(self, split: str) -> Array:
        """The inputs of `train` or `test`."""
        return {"train": self.train_inputs, "test": self.test_inputs}[split]

    def batch_of(self, values: Array) -> Array:
        """Memory for the rows of one batch of inputs or targets."""
        return empty((self.batches.shape[1], *values.shape[1:]), values.dtype)


def stage_data(data: Data, workload: Workload, dtype: Any, rows: slice) -> Staged:
    """Convert floating values to the dtype, and whatever selects something to an index type.

    Of each batch of the plan only `rows` enter. Raises ValueError where a row, a symbol or a
    label does not exist: the step itself no longer checks them.
    """
    classes = workload.layers[-1].output_shape[-1]

    def convert_inputs(inputs: Array) -> Array:
        if workload.symbols is None:
            return np.ascontiguousarray(inputs, dtype)
        return _indices("input symbol", inputs, workload.symbols)

    def convert_targets(targets: Array) -> Array:
        if workload.loss == "cross_entropy":
            return _indices("label", targets, classes)
        return np.ascontiguousarray(targets, dtype)

    return Staged(
        train_inputs=convert_inputs(data.train_inputs),
        train_targets=convert_targets(data.train_targets),
        test_inputs=convert_inputs(data.test_inputs),
        batches=_indices("row", data.batches[:, rows], len(data.train_inputs)),
    )


def _indices(what: str, values: Array, count: int) -> Array:
    """The values as indices, all of them in range(count)."""
    indices = np.ascontiguousarray(values, np.intp)
    if indices.size and not 0 <= indices.min() <= indices.max() < count:
        raise ValueError(
            f"each {what} must be from 0 to {count - 1}, "
            f"but they reach from {indices.min()} to {indices.max()}"
        )
    return indices
