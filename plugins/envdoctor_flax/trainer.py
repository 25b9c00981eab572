"""Trains a resolved workload with Flax NNX and Optax, in the functional loop of its guide.

The guide on performance recommends it for small and medium models: `nnx.split` once, `jax.jit`
over a step that merges, trains and returns the new state, so that the modules are walked while
the step is traced and never again.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Optional, Tuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from envdoctor.child.contract import (
    DeviceMemory,
    Gradients,
    Unsupported,
    evaluation_slices,
    float_type,
)
from envdoctor.child.products import random_matrices
from envdoctor_flax.devices import device_memory, find_device
from envdoctor_flax.losses import LOSSES
from envdoctor_flax.model import Network, load, read
from envdoctor_flax.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Data, Job, Setting

Objective = Callable[[Network, jax.Array, jax.Array, jax.Array], Tuple[jax.Array, jax.Array]]


class Trainer:
    """One model being trained by Flax on one device."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads and precision, then multiply two numbers on the device."""
        if setting.mode != "nnx":
            raise Unsupported(f"the Flax backend has no mode {setting.mode}")
        if setting.device.partition(":")[0] == "cpu":
            # Read when the client starts, which the first use of a device does.
            os.environ["PJRT_NPROC"] = str(setting.threads)
            jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", float_type(setting) is np.float64)
        jax.config.update("jax_default_matmul_precision", "highest")
        one = jax.device_put(np.ones((1, 1), float_type(setting)), find_device(setting.device))
        jax.block_until_ready(jnp.matmul(one, one))

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build model and optimiser, and split them; the step compiles when it first runs."""
        if job.variation is not None:
            raise Unsupported("the Flax backend offers no variations")
        for table, name in ((LOSSES, job.workload.loss), (OPTIMIZERS, job.optimizer.kind)):
            if name not in table:
                raise Unsupported(f"{name} is not available")
        self._device = find_device(job.setting.device)
        self._float = float_type(job.setting)
        self._batch = job.workload.batch
        self._shapes = {name: value.shape for name, value in weights.items()}

        network = Network(job.workload, jnp.dtype(self._float))
        load(network, weights, self._float, self._device)
        update = OPTIMIZERS[job.optimizer.kind](job.optimizer)
        optimizer = nnx.Optimizer(network, update, wrt=nnx.Param)
        self._paths = dict(network.paths)
        self._graph, state = nnx.split((network, optimizer))
        self._state: Any = jax.device_put(state, self._device)
        objective = build_objective(LOSSES[job.workload.loss])
        self._step = build_step(self._graph, objective)
        self._gradient = build_gradient(self._graph, objective)
        self._evaluate = build_evaluation(self._graph)
        self._loss: Optional[jax.Array] = None

    def stage(self, data: Data) -> None:
        """Put data and plan on the device, the plan as one array of rows a batch."""
        self._inputs = {split: self._put(data.inputs(split)) for split in ("train", "test")}
        self._targets = self._put(data.train_targets)
        self._batches: List[jax.Array] = [self._put(rows) for rows in data.batches]

    def step(self, batch: int) -> None:
        """Dispatch one step; XLA runs it behind the caller's back."""
        self._state, self._loss = self._step(
            self._state, self._inputs["train"], self._targets, self._batches[batch]
        )

    def wait(self) -> None:
        """Wait for all that a step returns, not for the loss alone."""
        jax.block_until_ready((self._state, self._loss))

    def loss(self) -> float:
        """Read the loss of the latest step."""
        return float(np.asarray(self._loss))

    def differentiate(self, batch: int) -> Gradients:
        """Run the objective of the step and its gradient, without the update."""
        (loss, outputs), gradients = self._gradient(
            self._state, self._inputs["train"], self._targets, self._batches[batch]
        )
        tensors = read(gradients, self._paths, self._shapes)
        return Gradients(float(loss), np.asarray(outputs), tensors)

    def outputs(self, split: str) -> Array:
        """Evaluate in batches of one size."""
        inputs = self._inputs[split]
        slices = evaluation_slices(inputs.shape[0], self._batch)
        pieces = [(self._evaluate(self._state, inputs[rows]), kept) for rows, kept in slices]
        return np.concatenate([np.asarray(piece)[kept] for piece, kept in pieces])

    def weights(self) -> Mapping[str, Array]:
        """Read the parameters."""
        return read(self._state[0], self._paths, self._shapes)

    def device_memory(self) -> Optional[DeviceMemory]:
        """Ask the allocator, where the device has one of its own."""
        return device_memory(self._device)

    def compilations(self) -> int:
        """How many programs the jitted step holds."""
        return int(self._step._cache_size())  # noqa: SLF001  nothing public tells it

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """A square matrix product on the device, for the practical peak."""
        left, right = jax.device_put(random_matrices(size), find_device(setting.device))
        product = jax.jit(partial(jnp.matmul, precision=lax.Precision.HIGHEST))

        def multiply() -> None:
            jax.block_until_ready(product(left, right))

        return multiply

    def _put(self, values: Array) -> jax.Array:
        # A copy, for on the CPU a device array may share the memory of the host's.
        dtype = self._float if values.dtype.kind == "f" else np.int32
        return jax.device_put(np.array(values, dtype), self._device)


def build_objective(measure: Callable[[jax.Array, jax.Array], jax.Array]) -> Objective:
    """Compose the gather of a batch, the forward pass and the loss; the outputs come along."""

    def objective(
        network: Network, inputs: jax.Array, targets: jax.Array, rows: jax.Array
    ) -> Tuple[jax.Array, jax.Array]:
        outputs = network(inputs[rows])
        return measure(outputs, targets[rows]), outputs

    return objective


def build_step(graph: Any, objective: Objective) -> jax.stages.Wrapped:
    """Compile merge, objective, gradient and update into one program that reuses its memory."""

    @partial(jax.jit, donate_argnums=0)
    def step(
        state: Any, inputs: jax.Array, targets: jax.Array, rows: jax.Array
    ) -> Tuple[Any, jax.Array]:
        network, optimizer = nnx.merge(graph, state)
        differentiate = nnx.value_and_grad(objective, has_aux=True)
        (loss, _), gradients = differentiate(network, inputs, targets, rows)
        optimizer.update(network, gradients)
        return nnx.state((network, optimizer)), loss

    return step


def build_gradient(graph: Any, objective: Objective) -> jax.stages.Wrapped:
    """Compile the part of the step before its update."""

    @jax.jit
    def gradient(state: Any, inputs: jax.Array, targets: jax.Array, rows: jax.Array) -> Any:
        network, _ = nnx.merge(graph, state)
        differentiate = nnx.value_and_grad(objective, has_aux=True)
        return differentiate(network, inputs, targets, rows)

    return gradient


def build_evaluation(graph: Any) -> jax.stages.Wrapped:
    """Compile the forward pass."""

    @jax.jit
    def evaluate(state: Any, inputs: jax.Array) -> jax.Array:
        network, _ = nnx.merge(graph, state)
        return network(inputs)

    return evaluate
