"""A bare MLX training loop, as MLX's documentation writes it: the yardstick for the mlx backend.

The model is a class of mlx.nn for each of the three networks (`mlp`, `cnn`, `transformer`), the
step is one function under `mx.compile` with model and optimiser as its captured state, and that
state is evaluated once a step. The batch is gathered inside the step; nothing is read back.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import mlx.core as mx  # noqa: TID253  runs in a worker
import numpy as np
from mlx import nn, optimizers  # noqa: TID253

from envdoctor.child.layers import Conv2d, Dense, TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Data, Job, Setting, Workload


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(_: Setting) -> None:
        """Stay on the CPU."""
        mx.set_default_device(mx.cpu)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Load the weights and wrap the step, which compiles when it first runs."""
        model = FAMILIES[job.workload.name.partition("-")[0]](job.workload)
        model.load_weights([_native(name, value) for name, value in weights.items()])
        spec = job.optimizer
        optimizer = optimizers.AdamW(
            spec.learning_rate,
            betas=[spec.beta1, spec.beta2],
            eps=spec.epsilon,
            weight_decay=spec.weight_decay,
            bias_correction=True,
        )
        optimizer.init(model.trainable_parameters())
        self._state = [model.state, optimizer.state]
        mx.eval(self._state)

        def objective(x: mx.array, targets: mx.array) -> mx.array:
            return nn.losses.cross_entropy(model(x), targets, reduction="mean")

        differentiate = nn.value_and_grad(model, objective)

        @partial(mx.compile, inputs=self._state, outputs=self._state)
        def step(inputs: mx.array, targets: mx.array, rows: mx.array) -> mx.array:
            loss, gradients = differentiate(inputs[rows], targets[rows])
            optimizer.update(model, gradients)
            return loss

        self._step = step

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        tokens = data.train_inputs.dtype.kind == "i"
        inputs = np.asarray(data.train_inputs, np.int32 if tokens else np.float32)
        self._inputs, self._targets = mx.array(inputs), mx.array(data.train_targets, mx.int32)
        self._batches = [mx.array(rows, mx.int32) for rows in data.batches]
        mx.eval(self._inputs, self._targets, self._batches)

    def step(self, batch: int) -> None:
        """Take one step."""
        self._loss = self._step(self._inputs, self._targets, self._batches[batch])
        mx.async_eval(self._loss, self._state)

    def wait(self) -> None:
        """Wait for all that a step changes."""
        mx.eval(self._loss, self._state)
        mx.synchronize()

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._loss.item())

    def compilations(self) -> None:
        """Not counted."""


PARTS = {"kernel": "weight", "table": "weight", "scale": "weight", "offset": "bias"}


def _native(name: str, value: Array) -> tuple[str, mx.array]:
    """A parameter under MLX's name, a kernel with its outputs first."""
    owner, _, part = name.rpartition(".")
    if part == "kernel":
        value = np.moveaxis(value, -1, 0)
    return f"{owner}.{PARTS.get(part, part)}", mx.array(np.array(value, np.float32))


class Mlp(nn.Module):
    """Dense layers with ReLU between them."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.names = _add_dense(self, workload)

    def __call__(self, x: mx.array) -> mx.array:
        """(batch, features) to (batch, classes)."""
        for name in self.names[:-1]:
            x = nn.relu(self[name](x))
        return self[self.names[-1]](x)


class Cnn(nn.Module):
    """Two convolutions, each with ReLU and max-pooling, then dense layers."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        convolutions = [each for each in workload.layers if isinstance(each, Conv2d)]
        for each in convolutions:
            sizes = each.input_shape[-1], each.output_shape[-1], each.kernel
            self[each.name] = nn.Conv2d(*sizes, padding=each.padding)
        self.convolutions = tuple(each.name for each in convolutions)
        self.pool = nn.MaxPool2d(2, 2)
        self.names = _add_dense(self, workload)

    def __call__(self, x: mx.array) -> mx.array:
        """(batch, height, width, channels) to (batch, classes)."""
        for name in self.convolutions:
            x = self.pool(nn.relu(self[name](x)))
        x = x.flatten(1)
        for name in self.names[:-1]:
            x = nn.relu(self[name](x))
        return self[self.names[-1]](x)


class Block(nn.Module):
    """A pre-norm transformer block with causal attention."""

    def __init__(self, layer: TransformerBlock) -> None:
        super().__init__()
        width, self.heads = layer.input_shape[-1], layer.heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand = nn.Linear(width, layer.hidden)
        self.contract = nn.Linear(layer.hidden, width)

    def __call__(self, x: mx.array) -> mx.array:
        """(batch, steps, width) to the same."""
        batch, steps, width = x.shape
        y = self.qkv(self.attention_norm(x)).reshape(batch, steps, 3, self.heads, -1)
        query, key, value = y.transpose(2, 0, 3, 1, 4)
        scale = (width // self.heads) ** -0.5
        mixed = mx.fast.scaled_dot_product_attention(query, key, value, scale=scale, mask="causal")
        x = x + self.projection(mixed.swapaxes(1, 2).reshape(batch, steps, width))
        return x + self.contract(nn.gelu_approx(self.expand(self.mlp_norm(x))))


class Transformer(nn.Module):
    """Embeddings, blocks, norm, tied unembedding."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        blocks = [each for each in workload.layers if isinstance(each, TransformerBlock)]
        steps, width = blocks[0].input_shape
        self.embedding_1 = nn.Embedding(workload.layers[-1].output_shape[-1], width)
        self.position_embedding_1 = nn.Embedding(steps, width)
        for each in blocks:
            self[each.name] = Block(each)
        self.names = tuple(each.name for each in blocks)
        self.layer_norm_1 = nn.LayerNorm(width)

    def __call__(self, tokens: mx.array) -> mx.array:
        """(batch, steps) to (batch, steps, symbols)."""
        x = self.embedding_1(tokens) + self.position_embedding_1.weight
        for name in self.names:
            x = self[name](x)
        return self.embedding_1.as_linear(self.layer_norm_1(x))


def _add_dense(model: nn.Module, workload: Workload) -> tuple[str, ...]:
    """Give a model its dense layers, and return their names in order."""
    dense = [each for each in workload.layers if isinstance(each, Dense)]
    for each in dense:
        model[each.name] = nn.Linear(each.input_shape[-1], each.output_shape[-1])
    return tuple(each.name for each in dense)


FAMILIES: dict[str, Any] = {"mlp": Mlp, "cnn": Cnn, "transformer": Transformer}
