"""A training loop on Flax NNX as its guides write it: the yardstick for the flax backend.

The model is a module made for its family, the optimiser `nnx.Optimizer` around `optax.adamw`, and
the loop the functional one of the guide on performance: `nnx.split` once, `jax.jit` over a step
that merges, trains and returns the new state, which it is given to reuse.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax  # noqa: TID253  runs in a worker
import jax.numpy as jnp  # noqa: TID253
import numpy as np
import optax  # noqa: TID253
from flax import nnx  # noqa: TID253

from envdoctor.child.layers import Conv2d, Dense, Embedding, TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Data, Job, Setting, Workload


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(_: Setting) -> None:
        """Ask for strict float32."""
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_default_matmul_precision", "highest")

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build and split model and optimiser; the step compiles when it first runs."""
        family = FAMILIES[job.workload.name.partition("-")[0]]
        model = family(job.workload, weights)
        o = job.optimizer
        update = optax.adamw(
            o.learning_rate, o.beta1, o.beta2, o.epsilon, 0.0, None, o.weight_decay
        )
        optimizer = nnx.Optimizer(model, update, wrt=nnx.Param)
        graph, self._state = nnx.split((model, optimizer))
        self._step = _compile_step(graph)
        self._loss: Any = None

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        tokens = data.train_inputs.dtype.kind == "i"
        self._inputs = jnp.array(data.train_inputs, jnp.int32 if tokens else jnp.float32)
        self._targets = jnp.array(data.train_targets, jnp.int32)
        self._batches = jax.device_put([np.array(rows) for rows in data.batches])

    def step(self, batch: int) -> None:
        """Take one step."""
        self._state, self._loss = self._step(
            self._state, self._inputs, self._targets, self._batches[batch]
        )

    def wait(self) -> None:
        """Wait for all that a step returns."""
        jax.block_until_ready((self._state, self._loss))

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._loss)

    def compilations(self) -> None:
        """Not counted."""


def _compile_step(graph: Any) -> Any:
    def loss_of(model: Any, x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, inputs: Any, targets: Any, rows: Any) -> Any:
        model, optimizer = nnx.merge(graph, state)
        loss, gradients = nnx.value_and_grad(loss_of)(model, inputs[rows], targets[rows])
        optimizer.update(model, gradients)
        return nnx.state((model, optimizer)), loss

    return step


class Mlp(nnx.Module):
    """Dense layers with ReLU between them."""

    def __init__(self, _workload: Workload, weights: Mapping[str, Array]) -> None:
        self.dense_1 = _linear(weights, "dense_1")
        self.dense_2 = _linear(weights, "dense_2")
        self.dense_3 = _linear(weights, "dense_3")

    def __call__(self, x: Any) -> Any:
        """The logits."""
        return self.dense_3(nnx.relu(self.dense_2(nnx.relu(self.dense_1(x)))))


class Cnn(nnx.Module):
    """Two convolutions, each with ReLU and max-pooling, then dense layers."""

    def __init__(self, workload: Workload, weights: Mapping[str, Array]) -> None:
        convolutions = [layer for layer in workload.layers if isinstance(layer, Conv2d)]
        dense = [layer.name for layer in workload.layers if isinstance(layer, Dense)]
        self.conv_1, self.conv_2 = (_convolution(weights, layer) for layer in convolutions)
        self.hidden = nnx.Sequential(
            *(each for name in dense[:-1] for each in (_linear(weights, name), nnx.relu))
        )
        self.last = _linear(weights, dense[-1])

    def __call__(self, x: Any) -> Any:
        """The logits."""
        pool = partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))
        x = pool(nnx.relu(self.conv_1(x)))
        x = pool(nnx.relu(self.conv_2(x)))
        return self.last(self.hidden(x.reshape(x.shape[0], -1)))


class Block(nnx.Module):
    """Attention and a two-layer network, each after its own norm."""

    def __init__(self, weights: Mapping[str, Array], layer: TransformerBlock) -> None:
        name, width = layer.name, layer.output_shape[-1]
        self.norm_1 = _norm(weights, f"{name}.attention_norm")
        self.attention = nnx.MultiHeadAttention(
            num_heads=layer.heads, in_features=width, decode=False, rngs=nnx.Rngs(0)
        )
        parts = (self.attention.query, self.attention.key, self.attention.value)
        kernels = np.split(weights[f"{name}.qkv.kernel"], 3, axis=-1)
        biases = np.split(weights[f"{name}.qkv.bias"], 3)
        for part, kernel, bias in zip(parts, kernels, biases, strict=True):
            _fill(part, kernel=kernel, bias=bias)
        projection = {key: weights[f"{name}.projection.{key}"] for key in ("kernel", "bias")}
        _fill(self.attention.out, **projection)
        self.norm_2 = _norm(weights, f"{name}.mlp_norm")
        self.expand = _linear(weights, f"{name}.expand")
        self.contract = _linear(weights, f"{name}.contract")

    def __call__(self, x: Any) -> Any:
        """(batch, steps, width) to the same."""
        mask = nnx.make_causal_mask(x[..., 0])
        x = x + self.attention(self.norm_1(x), mask=mask)
        return x + self.contract(nnx.gelu(self.expand(self.norm_2(x))))


class Transformer(nnx.Module):
    """Embeddings, pre-norm blocks with causal attention, norm, tied unembedding."""

    def __init__(self, workload: Workload, weights: Mapping[str, Array]) -> None:
        (table,) = (layer for layer in workload.layers if isinstance(layer, Embedding))
        self.embedding = nnx.Embed(table.symbols, table.output_shape[-1], rngs=nnx.Rngs(0))
        _fill(self.embedding, embedding=weights[f"{table.name}.table"])
        self.positions = nnx.Param(jnp.array(weights["position_embedding_1.table"], jnp.float32))
        self.blocks = nnx.Sequential(
            *(
                Block(weights, each)
                for each in workload.layers
                if isinstance(each, TransformerBlock)
            )
        )
        self.norm = _norm(weights, "layer_norm_1")

    def __call__(self, tokens: Any) -> Any:
        """The logits."""
        x = self.blocks(self.embedding(tokens) + self.positions[...])
        return self.embedding.attend(self.norm(x))


def _fill(module: Any, **values: Any) -> Any:
    for name, value in values.items():
        parameter = getattr(module, name)
        parameter.set_value(jnp.array(value, jnp.float32).reshape(parameter[...].shape))
    return module


def _linear(weights: Mapping[str, Array], name: str) -> Any:
    kernel = weights[f"{name}.kernel"]
    made = nnx.Linear(*kernel.shape, rngs=nnx.Rngs(0))
    return _fill(made, kernel=kernel, bias=weights[f"{name}.bias"])


def _convolution(weights: Mapping[str, Array], layer: Conv2d) -> Any:
    kernel = weights[f"{layer.name}.kernel"]
    *size, inner, outer = kernel.shape
    sides = [(layer.padding, layer.padding)] * 2
    made = nnx.Conv(inner, outer, tuple(size), padding=sides, rngs=nnx.Rngs(0))
    return _fill(made, kernel=kernel, bias=weights[f"{layer.name}.bias"])


def _norm(weights: Mapping[str, Array], name: str) -> Any:
    made = nnx.LayerNorm(len(weights[f"{name}.scale"]), epsilon=1e-5, rngs=nnx.Rngs(0))
    return _fill(made, scale=weights[f"{name}.scale"], bias=weights[f"{name}.offset"])


FAMILIES: dict[str, type[Any]] = {"mlp": Mlp, "cnn": Cnn, "transformer": Transformer}
