"""What a backend implements, and what it is given: the trainer contract.

Only the caller holds the clock, chooses the batches and draws the weights. A trainer builds the
model that the job describes with its framework's own fast layers, starts from the weights that it
is handed, and takes steps when it is told to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Protocol, Tuple

import numpy as np
from numpy.typing import NDArray

from envdoctor.child.job import Job, Optimizer, Variation, Workload
from envdoctor.child.setting import Setting

__all__ = [
    "Array",
    "Data",
    "DeviceMemory",
    "Gradients",
    "Job",
    "Optimizer",
    "Setting",
    "Trainer",
    "Unsupported",
    "Variation",
    "Workload",
    "evaluation_slices",
    "float_type",
    "master_type",
]

Array = NDArray[Any]

REDUCED = ("tf32", "bf16", "fp16")
"""The precisions in which the products, or whole layers, have fewer bits than the parameters."""


class Unsupported(Exception):
    """This backend cannot do what the job asks; the text is the reason that the user reads."""


@dataclass(frozen=True)
class Data:
    """A whole data set and the plan of its batches, in host memory.

    Inputs are (samples, *input_shape), float64 or int32; targets int32 labels, (samples,) or
    (samples, steps), or float64 values shaped like the outputs. `batches` is (count, batch), int32
    rows of the training set: batch i of the plan trains on `train_inputs[batches[i]]`.
    """

    train_inputs: Array
    train_targets: Array
    test_inputs: Array
    test_targets: Array
    batches: Array

    def inputs(self, split: str) -> Array:
        """The inputs of `train` or `test`."""
        return {"train": self.train_inputs, "test": self.test_inputs}[split]


@dataclass(frozen=True)
class Gradients:
    """One forward and backward pass: the loss, the outputs (batch, *output_shape) and, by
    canonical name and shape, the gradient of the loss with respect to every parameter.
    """

    loss: float
    outputs: Array
    tensors: Dict[str, Array]


@dataclass(frozen=True)
class DeviceMemory:
    """The peak on the device since the trainer was built; `reserved_bytes` includes the pool."""

    allocated_bytes: int
    reserved_bytes: Optional[int] = None


class Trainer(Protocol):
    """One model being trained by one framework on one device. Only the caller holds the clock."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads and precision, run one operation on the device and wait for it.

        Raises Unsupported when the framework cannot serve this setting.
        """

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build model and optimiser from the job; `weights` are float64, by canonical name.

        Raises Unsupported for a layer, loss or optimiser that the framework has no means for.
        """

    def stage(self, data: Data) -> None:
        """Put the data and the plan of batches on the device, converted once."""

    def step(self, batch: int) -> None:
        """Take one optimiser step on batch number `batch` of the plan; may return early.

        Nothing is read back and nothing is converted here.
        """

    def wait(self) -> None:
        """Return when parameters, optimiser state and loss are really there."""

    def loss(self) -> float:
        """The loss of the latest step, before its update."""

    def differentiate(self, batch: int) -> Gradients:
        """Differentiate the present model on a batch, without changing it.

        The forward and backward pass are those of `step`, built in the same mode.
        """

    def outputs(self, split: str) -> Array:
        """The outputs of the present model for all of `train` or `test`, as NumPy values.

        Asked for in the middle of a training, which goes on as if it had not been.
        """

    def weights(self) -> Mapping[str, Array]:
        """The present parameters, by canonical name and shape, as NumPy values."""

    def device_memory(self) -> Optional[DeviceMemory]:
        """The memory used on the device; None where the device is the host."""

    def compilations(self) -> Optional[int]:
        """How many programs `step` has compiled so far; None where nothing is compiled."""

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """Return a function that multiplies two float32 matrices (size, size) on the device.

        In strict float32, by the framework's fastest public way; the product is there when the
        function returns. Called after `start`, with its setting. A trainer may leave this method
        out: it then contributes nothing to the practical peak of the machine.
        """


def evaluation_slices(samples: int, batch: int) -> Iterator[Tuple[slice, slice]]:
    """Cut `samples` rows into equal pieces of at most `batch` rows, for evaluation.

    Yields (rows to read, which of the results to keep). All pieces have the same size, so that a
    compiled forward pass is compiled once; the last one overlaps its neighbour.
    """
    size = min(samples, batch)
    for start in range(0, samples, size or 1):
        begin = min(start, samples - size)
        yield slice(begin, begin + size), slice(start - begin, size)


def float_type(setting: Setting) -> Any:
    """The NumPy type of parameters and activations at this precision."""
    types = {"fp32": np.float32, "fp64": np.float64}
    if setting.precision not in types:
        raise Unsupported(f"precision {setting.precision} is not available")
    return types[setting.precision]


def master_type(setting: Setting) -> Any:
    """The NumPy type of parameters, optimiser state and loss, for trainers that know all modes.

    In the reduced modes it is float32: tf32 rounds the operands of products only, and in bf16 and
    fp16 the layers compute with copies in 16 bits.
    """
    return np.float32 if setting.precision in REDUCED else float_type(setting)
