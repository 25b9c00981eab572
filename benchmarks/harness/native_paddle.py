"""A bare PaddlePaddle training loop, as its documentation writes it: the yardstick for paddle.

The model is a class of paddle.nn for each of the three networks (`mlp`, `cnn`, `transformer`);
mode `static` passes it through `paddle.jit.to_static`. Loss, `backward()`, `AdamW.step()` and
`clear_grad()` follow. The batch is gathered on the device; nothing is read back.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import paddle  # noqa: TID253  runs in a worker
from paddle import nn  # noqa: TID253
from paddle.nn import functional  # noqa: TID253

from envdoctor.child.layers import Conv2d, Dense, TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Data, Job, Setting, Workload


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(_: Setting) -> None:
        """Stay on the CPU."""
        paddle.set_device("cpu")

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Load the weights and make the optimiser."""
        model = FAMILIES[job.workload.name.partition("-")[0]](job.workload)
        model.set_state_dict(dict(_native(name, value) for name, value in weights.items()))
        spec = job.optimizer
        self._optimizer = paddle.optimizer.AdamW(
            spec.learning_rate,
            beta1=spec.beta1,
            beta2=spec.beta2,
            epsilon=spec.epsilon,
            parameters=model.parameters(),
            weight_decay=spec.weight_decay,
        )
        static = job.setting.mode == "static"
        self._model = paddle.jit.to_static(model, full_graph=True) if static else model

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        tokens = data.train_inputs.dtype.kind == "i"
        self._inputs = paddle.to_tensor(data.train_inputs, "int64" if tokens else "float32")
        self._targets = paddle.to_tensor(data.train_targets, "int64")
        self._batches = [paddle.to_tensor(rows, "int64") for rows in data.batches]

    def step(self, batch: int) -> None:
        """Take one step."""
        rows = self._batches[batch]
        outputs = self._model(paddle.index_select(self._inputs, rows))
        loss = functional.cross_entropy(outputs, paddle.index_select(self._targets, rows))
        loss.backward()
        self._optimizer.step()
        self._optimizer.clear_grad(set_to_zero=False)
        self._loss = loss

    def wait(self) -> None:
        """Nothing: on the CPU a call returns when its work is done."""

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._loss.item())

    def compilations(self) -> None:
        """Not counted."""


PARTS = {"kernel": "weight", "table": "weight", "scale": "weight", "offset": "bias"}


def _native(name: str, value: Array) -> tuple[str, Any]:
    """A parameter under Paddle's name; a convolution's kernel as (out, in, height, width)."""
    owner, _, part = name.rpartition(".")
    if value.ndim == 4:
        value = value.transpose(3, 2, 0, 1)
    return f"{owner}.{PARTS.get(part, part)}", paddle.to_tensor(np.array(value, np.float32))


class Mlp(nn.Layer):
    """Dense layers with ReLU between them."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.dense = _add_dense(self, workload)

    def forward(self, x: Any) -> Any:
        """(batch, features) to (batch, classes)."""
        for name in self.dense[:-1]:
            x = functional.relu(getattr(self, name)(x))
        return getattr(self, self.dense[-1])(x)


class Cnn(nn.Layer):
    """Two convolutions, each with ReLU and max-pooling, then dense layers."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        convolutions = [each for each in workload.layers if isinstance(each, Conv2d)]
        for each in convolutions:
            sizes = each.input_shape[-1], each.output_shape[-1], each.kernel
            self.add_sublayer(each.name, nn.Conv2D(*sizes, padding=each.padding))
        self.convolutions = tuple(each.name for each in convolutions)
        self.dense = _add_dense(self, workload)

    def forward(self, x: Any) -> Any:
        """(batch, height, width, channels) to (batch, classes)."""
        x = x.transpose([0, 3, 1, 2])
        for name in self.convolutions:
            x = functional.max_pool2d(functional.relu(getattr(self, name)(x)), 2, 2)
        x = x.transpose([0, 2, 3, 1]).flatten(1)
        for name in self.dense[:-1]:
            x = functional.relu(getattr(self, name)(x))
        return getattr(self, self.dense[-1])(x)


class Block(nn.Layer):
    """A pre-norm transformer block with causal attention."""

    def __init__(self, layer: TransformerBlock) -> None:
        super().__init__()
        (self.steps, self.width), self.heads = layer.input_shape, layer.heads
        width = self.width
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand = nn.Linear(width, layer.hidden)
        self.contract = nn.Linear(layer.hidden, width)

    def forward(self, x: Any) -> Any:
        """(batch, steps, width) to the same."""
        apart = [-1, self.steps, 3, self.heads, self.width // self.heads]
        query, key, value = self.qkv(self.attention_norm(x)).reshape(apart).unbind(2)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.projection(mixed.reshape([-1, self.steps, self.width]))
        y = functional.gelu(self.expand(self.mlp_norm(x)), approximate=True)
        return x + self.contract(y)


class Transformer(nn.Layer):
    """Embeddings, blocks, norm, tied unembedding."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        blocks = [each for each in workload.layers if isinstance(each, TransformerBlock)]
        steps, width = blocks[0].input_shape
        self.embedding_1 = nn.Embedding(workload.layers[-1].output_shape[-1], width)
        self.position_embedding_1 = nn.Embedding(steps, width)
        for each in blocks:
            self.add_sublayer(each.name, Block(each))
        self.names = tuple(each.name for each in blocks)
        self.layer_norm_1 = nn.LayerNorm(width)

    def forward(self, tokens: Any) -> Any:
        """(batch, steps) to (batch, steps, symbols)."""
        x = self.embedding_1(tokens) + self.position_embedding_1.weight
        for name in self.names:
            x = getattr(self, name)(x)
        return paddle.matmul(self.layer_norm_1(x), self.embedding_1.weight, transpose_y=True)


def _add_dense(model: nn.Layer, workload: Workload) -> tuple[str, ...]:
    """Give a model its dense layers, and return their names in order."""
    dense = [each for each in workload.layers if isinstance(each, Dense)]
    for each in dense:
        model.add_sublayer(each.name, nn.Linear(each.input_shape[-1], each.output_shape[-1]))
    return tuple(each.name for each in dense)


FAMILIES: dict[str, Any] = {"mlp": Mlp, "cnn": Cnn, "transformer": Transformer}
