"""Trains a resolved workload with plain JAX: one jitted, donating function is the whole step."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Tuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from envdoctor.child.contract import (
    DeviceMemory,
    Gradients,
    Unsupported,
    evaluation_slices,
    master_type,
)
from envdoctor_jax.batch_norm import first_statistics, renew
from envdoctor_jax.devices import find_device
from envdoctor_jax.model import build_forward, build_gradient, build_objective, find
from envdoctor_jax.optimizers import OPTIMIZERS
from envdoctor_jax.precision import MATMUL, STRICT, find_policy, require_precision
from envdoctor_jax.products import make_product
from envdoctor_jax.store import keep

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Data, Job, Setting
    from envdoctor_jax.batch_norm import Statistics
    from envdoctor_jax.model import Forward, Objective
    from envdoctor_jax.optimizers import State, Tree, Update
    from envdoctor_jax.precision import Policy


class Trainer:
    """One model being trained by JAX on one device."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads and precision, then multiply two numbers on the device."""
        if setting.mode != "jit":
            raise Unsupported(f"the JAX backend has no mode {setting.mode}")
        if setting.device.partition(":")[0] == "cpu":
            # Read when the client starts, which the first use of a device does.
            os.environ["PJRT_NPROC"] = str(setting.threads)
            # Else a GPU that nobody asked for is opened, and most of its memory taken.
            jax.config.update("jax_platforms", "cpu")
        dtype = master_type(setting)
        jax.config.update("jax_enable_x64", dtype is np.float64)
        jax.config.update("jax_default_matmul_precision", MATMUL.get(setting.precision))
        device = find_device(setting.device)
        require_precision(setting, device)
        one = jax.device_put(np.ones((1, 1), dtype), device)
        jax.block_until_ready(jnp.matmul(one, one))

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Put the weights on the device and wrap the step; it compiles when it first runs."""
        if job.variation is not None:
            raise Unsupported("the JAX backend offers no variations")
        self._device = find_device(job.setting.device)
        self._float = master_type(job.setting)
        self._batch = job.workload.batch
        self._output_shape = job.workload.layers[-1].output_shape

        # Copies, for on the CPU a device array may share the memory of the host's.
        copies = {name: np.array(value, self._float) for name, value in weights.items()}
        kept, self._restore = keep(copies, job.workload.layers)
        policy = find_policy(job.setting)
        objective = build_objective(job.workload, self._restore, policy)
        update: Update = find(OPTIMIZERS, job.optimizer.kind, "optimizer")(job.optimizer)
        self._step = build_step(objective, update, partial(renew, job.workload.layers), policy)
        self._differentiate = jax.jit(build_gradient(objective, policy))
        self._evaluate = build_evaluation(build_forward(job.workload, self._restore, policy))

        self._weights: Tree = self._put(kept)
        statistics = first_statistics(job.workload.layers, self._float)
        self._state: Tuple[State, Statistics] = self._put((update.begin(kept), statistics))
        self._loss: Optional[jax.Array] = None

    def stage(self, data: Data) -> None:
        """Put data and plan on the device, the plan as one array of rows a batch."""
        self._inputs = {split: self._put_values(data.inputs(split)) for split in ("train", "test")}
        self._targets = self._put_values(data.train_targets)
        self._batches: List[jax.Array] = self._put([np.array(rows) for rows in data.batches])

    def step(self, batch: int) -> None:
        """Dispatch one step; XLA runs it behind the caller's back."""
        self._weights, self._state, self._loss = self._step(
            self._weights, self._state, self._inputs["train"], self._targets, self._batches[batch]
        )

    def wait(self) -> None:
        """Wait for all that a step returns, not for the loss alone."""
        jax.block_until_ready((self._weights, self._state, self._loss))

    def loss(self) -> float:
        """Read the loss of the latest step."""
        return float(np.asarray(self._loss))

    def differentiate(self, batch: int) -> Gradients:
        """Run the objective of the step and its gradient, without the update."""
        (loss, (outputs, _)), gradients = self._differentiate(
            self._weights, self._inputs["train"], self._targets, self._batches[batch]
        )
        return Gradients(float(loss), np.asarray(outputs), self._read(gradients))

    def outputs(self, split: str) -> Array:
        """Evaluate in batches of one size; the results are read when all are under way."""
        inputs = self._inputs[split]
        samples = inputs.shape[0]
        model = self._weights, self._state[1]
        pieces = [
            (rows, kept, self._evaluate(model, inputs, rows.start, rows.stop - rows.start))
            for rows, kept in evaluation_slices(samples, self._batch)
        ]
        values = np.empty((samples, *self._output_shape), self._float)
        for rows, kept, piece in pieces:
            values[rows][kept] = np.asarray(piece)[kept]
        return values

    def weights(self) -> Mapping[str, Array]:
        """Read the parameters."""
        return self._read(self._weights)

    def device_memory(self) -> Optional[DeviceMemory]:
        """Ask the allocator, where the device has one of its own."""
        try:
            stats = self._device.memory_stats()
        except RuntimeError:  # NotImplementedError is one too
            return None
        if not stats or "peak_bytes_in_use" not in stats:
            return None
        return DeviceMemory(stats["peak_bytes_in_use"], stats.get("peak_pool_bytes"))

    def compilations(self) -> int:
        """How many programs the jitted step holds."""
        return int(self._step._cache_size())  # noqa: SLF001  nothing public tells it

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """A square matrix product on the device, for the practical peak."""
        return make_product(size, setting)

    def _put(self, values: Any) -> Any:
        return jax.device_put(values, self._device)

    def _read(self, kept: Tree) -> Dict[str, Array]:
        # Copies too: the memory of the originals may be donated next.
        return self._restore(jax.tree.map(np.array, kept))

    def _put_values(self, values: Array) -> jax.Array:
        return self._put(np.asarray(values, self._float if values.dtype.kind == "f" else np.int32))


def build_step(
    objective: Objective,
    update: Update,
    renewed: Callable[[Statistics, Statistics], Statistics],
    policy: Policy = STRICT,
) -> jax.stages.Wrapped:
    """Compile objective, gradient and updates into one program that reuses its memory."""
    differentiate = build_gradient(objective, policy)

    # By position: the donation of an argument that is passed by keyword is silently ignored.
    @partial(jax.jit, donate_argnums=(0, 1))
    def step(
        weights: Tree,
        state: Tuple[State, Statistics],
        inputs: jax.Array,
        targets: jax.Array,
        rows: jax.Array,
    ) -> Tuple[Tree, Tuple[State, Statistics], jax.Array]:
        optimizer, statistics = state
        (loss, (_, latest)), gradients = differentiate(weights, inputs, targets, rows)
        weights, optimizer = update.apply(weights, optimizer, gradients)
        return weights, (optimizer, renewed(statistics, latest)), loss

    return step


def build_evaluation(forward: Forward) -> jax.stages.Wrapped:
    """Compile the forward pass of `size` rows from a row that is not compiled in."""

    @partial(jax.jit, static_argnums=3)
    def evaluate(
        model: Tuple[Tree, Statistics], inputs: jax.Array, start: int, size: int
    ) -> jax.Array:
        weights, statistics = model
        return forward(
            weights,
            lax.dynamic_slice_in_dim(inputs, start, size),
            lambda norm, _: statistics[norm.name],
        )

    return evaluate
