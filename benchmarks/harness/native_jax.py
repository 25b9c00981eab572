"""A bare JAX training loop, tuned by hand: the yardstick for the jax backend.

One jitted function is the whole step, from the gather of the batch to the update. Parameters and
optimiser state are donated by position, dense layers see two-dimensional operands, the loss picks
its classes by a one-hot product, which XLA fuses, and max-pooling compares slices of the image,
because the gradient of `reduce_window` is slow on the CPU. Nothing is read back.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import jax  # noqa: TID253  runs in a worker
import jax.numpy as jnp  # noqa: TID253
import numpy as np
from jax import lax  # noqa: TID253

from envdoctor.child.layers import Conv2d, Dense, TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Data, Job, Optimizer, Setting, Workload

Parameters = dict[str, Any]
Forward = Callable[[Parameters, Any], Any]


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(_: Setting) -> None:
        """Ask for strict float32."""
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_default_matmul_precision", "highest")

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Put the weights on the device; the step compiles when it first runs."""
        self._weights = {name: jnp.array(value, jnp.float32) for name, value in weights.items()}
        zeros = jax.tree.map(jnp.zeros_like, self._weights)
        self._state = (jnp.zeros((), jnp.int32), zeros, jax.tree.map(jnp.copy, zeros))
        forward = FAMILIES[job.workload.name.partition("-")[0]](job.workload)
        self._step = _compile_step(forward, job.optimizer)
        self._loss: Any = None

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        tokens = data.train_inputs.dtype.kind == "i"
        self._inputs = jnp.array(data.train_inputs, jnp.int32 if tokens else jnp.float32)
        self._targets = jnp.array(data.train_targets, jnp.int32)
        self._batches = jax.device_put([np.array(rows) for rows in data.batches])

    def step(self, batch: int) -> None:
        """Take one step."""
        self._weights, self._state, self._loss = self._step(
            self._weights, self._state, self._inputs, self._targets, self._batches[batch]
        )

    def wait(self) -> None:
        """Wait for all that a step returns."""
        jax.block_until_ready((self._weights, self._state, self._loss))

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._loss)

    def compilations(self) -> None:
        """Not counted."""


def _compile_step(forward: Forward, spec: Optimizer) -> Any:
    def objective(w: Parameters, x: Any, targets: Any) -> Any:
        outputs = forward(w, x)
        chosen = jax.nn.one_hot(targets, outputs.shape[-1], dtype=outputs.dtype)
        return -(chosen * jax.nn.log_softmax(outputs)).sum(-1).mean()

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(w: Parameters, state: Any, inputs: Any, targets: Any, rows: Any) -> Any:
        count, mean, square = state
        loss, gradients = jax.value_and_grad(objective)(w, inputs[rows], targets[rows])
        count = count + 1
        mean = jax.tree.map(lambda m, g: spec.beta1 * m + (1 - spec.beta1) * g, mean, gradients)
        square = jax.tree.map(
            lambda v, g: spec.beta2 * v + (1 - spec.beta2) * g * g, square, gradients
        )
        # 1 - beta ** count, without cancellation in the first steps.
        mean_share = -jnp.expm1(count * np.log(spec.beta1))
        square_share = -jnp.expm1(count * np.log(spec.beta2))

        def update(w: Any, m: Any, v: Any) -> Any:
            slope = (m / mean_share) / (jnp.sqrt(v / square_share) + spec.epsilon)
            return w - spec.learning_rate * (slope + spec.weight_decay * w)

        w = jax.tree.map(update, w, mean, square)
        return w, (count, mean, square), loss

    return step


def mlp(_workload: Workload) -> Forward:
    """Dense layers with ReLU between them."""

    def forward(w: Parameters, x: Any) -> Any:
        x = jax.nn.relu(_dense(w, "dense_1", x))
        x = jax.nn.relu(_dense(w, "dense_2", x))
        return _dense(w, "dense_3", x)

    return forward


def cnn(workload: Workload) -> Forward:
    """Two convolutions, each with ReLU and max-pooling, then dense layers."""
    layers = workload.layers
    paddings = [layer.padding for layer in layers if isinstance(layer, Conv2d)]
    dense = [layer.name for layer in layers if isinstance(layer, Dense)]

    def forward(w: Parameters, x: Any) -> Any:
        for number, padding in enumerate(paddings, 1):
            y = lax.conv_general_dilated(
                x,
                w[f"conv2d_{number}.kernel"],
                (1, 1),
                [(padding, padding)] * 2,
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
            x = _halve(jax.nn.relu(y + w[f"conv2d_{number}.bias"]))
        x = x.reshape(len(x), -1)
        for name in dense[:-1]:
            x = jax.nn.relu(_dense(w, name, x))
        return _dense(w, dense[-1], x)

    return forward


def _halve(x: Any) -> Any:
    """Max-pooling of 2 by 2; of equals, the first in row-major order has the gradient."""
    upper = _first_largest(x[:, ::2, ::2], x[:, ::2, 1::2])
    lower = _first_largest(x[:, 1::2, ::2], x[:, 1::2, 1::2])
    return _first_largest(upper, lower)


def _first_largest(first: Any, second: Any) -> Any:
    return jnp.where(first >= second, first, second)


def transformer(workload: Workload) -> Forward:
    """Embeddings, pre-norm blocks with causal attention, norm, tied unembedding."""
    blocks = [layer for layer in workload.layers if isinstance(layer, TransformerBlock)]

    def forward(w: Parameters, tokens: Any) -> Any:
        table = w["embedding_1.table"]
        x = table[tokens] + w["position_embedding_1.table"]
        for block in blocks:
            name = block.name
            y = _dense(w, f"{name}.qkv", _norm(w, f"{name}.attention_norm", x))
            x = x + _dense(w, f"{name}.projection", _attend(y, block.heads))
            y = jax.nn.gelu(_dense(w, f"{name}.expand", _norm(w, f"{name}.mlp_norm", x)))
            x = x + _dense(w, f"{name}.contract", y)
        x = _norm(w, "layer_norm_1", x)
        return (x.reshape(-1, x.shape[-1]) @ table.T).reshape(*x.shape[:-1], -1)

    return forward


def _attend(qkv: Any, heads: int) -> Any:
    """(batch, steps, 3 * width) to (batch, steps, width)."""
    batch, steps, _ = qkv.shape
    query, key, value = jnp.moveaxis(qkv.reshape(batch, steps, 3, heads, -1), 2, 0)
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) * query.shape[-1] ** -0.5
    scores = jnp.where(jnp.tri(steps, dtype=bool), scores, -jnp.inf)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), value)
    return mixed.reshape(batch, steps, -1)


def _dense(w: Parameters, name: str, x: Any) -> Any:
    kernel = w[f"{name}.kernel"]
    y = x.reshape(-1, x.shape[-1]) @ kernel + w[f"{name}.bias"]
    return y.reshape(*x.shape[:-1], kernel.shape[-1])


def _norm(w: Parameters, name: str, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    normal = centred * lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + 1e-5)
    return normal * w[f"{name}.scale"] + w[f"{name}.offset"]


FAMILIES: dict[str, Callable[[Workload], Forward]] = {
    "mlp": mlp,
    "cnn": cnn,
    "transformer": transformer,
}
