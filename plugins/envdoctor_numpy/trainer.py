"""The trainer of the NumPy backend."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple

import numpy as np

from envdoctor.child.contract import (
    Gradients,
    Unsupported,
    evaluation_slices,
    float_type,
)
from envdoctor_numpy.losses import make_loss
from envdoctor_numpy.network import Network
from envdoctor_numpy.optimizers import make_optimizer
from envdoctor_numpy.parameters import Parameters
from envdoctor_numpy.products import make_product
from envdoctor_numpy.staging import stage_data
from envdoctor_numpy.variations import apply_variation

if TYPE_CHECKING:
    from envdoctor.child.contract import (
        Array,
        Data,
        DeviceMemory,
        Job,
        Setting,
    )
    from envdoctor_numpy.staging import Staged


class Trainer:
    """One model being trained by NumPy on the CPU, with hand-written gradients."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Check the setting and do one small product, which starts the threads of the BLAS.

        NumPy has no call that sets their number: the worker's environment does.
        """
        if setting.device != "cpu":
            raise Unsupported(f"numpy computes on the cpu only, not on {setting.device}")
        ones = np.ones((64, 64), float_type(setting))
        np.matmul(ones, ones)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        workload, deviation = apply_variation(job.workload, job.variation)
        batch = workload.batch // 2 if deviation.half_batch else workload.batch
        self._workload = workload
        self._deviation = deviation
        self._dtype = np.dtype(float_type(job.setting))
        self._parameters = Parameters(weights, self._dtype, deviation.muted)
        self._networks: Dict[int, Network] = {}
        self._network = self._network_for(batch)
        self._loss = make_loss(
            workload.loss,
            (batch, *workload.layers[-1].output_shape),
            self._dtype,
            factor=deviation.loss_factor,
            smoothing=deviation.smoothing,
        )
        self._optimizer = make_optimizer(job.optimizer, self._parameters)
        self._latest: Any = math.nan
        # Which rows of a batch enter, and in which order.
        self._rows = slice(None, None, -1) if deviation.reverse_batch else slice(batch)
        self._staged: Optional[Staged] = None
        self._inputs = self._targets = np.empty(0, self._dtype)

    def stage(self, data: Data) -> None:
        """Convert the data once and allocate the memory of a batch."""
        staged = stage_data(data, self._workload, self._dtype, self._rows)
        self._inputs = staged.batch_of(staged.train_inputs)
        self._targets = staged.batch_of(staged.train_targets)
        self._staged = staged

    def step(self, batch: int) -> None:
        """Take one optimiser step on a batch of the plan."""
        self._latest, _ = self._forward_and_backward(batch)
        self._network.remember()
        self._optimizer.update()

    def wait(self) -> None:
        """Return at once: NumPy computes before it returns."""

    def loss(self) -> float:
        """The loss of the latest step, before its update."""
        return float(self._latest)

    def differentiate(self, batch: int) -> Gradients:
        """Run the forward and backward pass of a step without its update."""
        loss, outputs = self._forward_and_backward(batch)
        return Gradients(
            loss=float(loss),
            outputs=outputs[self._rows].copy(),
            tensors=self._parameters.copy_gradients(),
        )

    def outputs(self, split: str) -> Array:
        """The outputs of the present model for all of `train` or `test`."""
        inputs = self._data().inputs(split)
        outputs = np.empty((len(inputs), *self._workload.layers[-1].output_shape), self._dtype)
        for read, keep in evaluation_slices(len(inputs), self._workload.batch):
            piece = self._network_for(read.stop - read.start).evaluate(inputs[read])[keep]
            outputs[read.stop - len(piece) : read.stop] = piece
        return outputs

    def weights(self) -> Mapping[str, Array]:
        """The present parameters, by canonical name."""
        return self._parameters.copy_values()

    def device_memory(self) -> Optional[DeviceMemory]:
        """None: the device is the host."""
        return None

    def compilations(self) -> Optional[int]:
        """None: nothing is compiled."""
        return None

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:  # noqa: ARG004  the contract's
        """A square matrix product on the device, for the practical peak."""
        return make_product(size)

    def _forward_and_backward(self, batch: int) -> Tuple[Any, Array]:
        """The loss and the outputs of a batch, with all gradients left in the parameters."""
        staged = self._data()
        rows = staged.batches[batch]
        # Any mode but the default writes to `out` directly; the rows were checked when staged.
        np.take(staged.train_inputs, rows, axis=0, out=self._inputs, mode="clip")
        np.take(staged.train_targets, rows, axis=0, out=self._targets, mode="clip")
        outputs = self._network.forward(self._inputs)
        loss, gradient = self._loss.differentiate(outputs, self._targets)
        self._network.backward(gradient)
        return loss, outputs

    def _network_for(self, batch: int) -> Network:
        """The model for batches of this size, on the parameters that all sizes share."""
        if batch not in self._networks:
            self._networks[batch] = Network(
                self._workload.layers, batch, self._parameters, self._deviation
            )
        return self._networks[batch]

    def _data(self) -> Staged:
        if self._staged is None:
            raise RuntimeError("the data must be staged before the model can use it")
        return self._staged
