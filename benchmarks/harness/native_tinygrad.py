"""A bare tinygrad training loop, as its documentation writes it: the yardstick for our backend.

One TinyJit is the whole step, from the gather of the batch to the update, with layers and AdamW of
`tinygrad.nn`; the loss goes backwards by `backward`, and nothing is read back.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from tinygrad import Context, Device, Tensor, TinyJit, nn  # noqa: TID253  runs in a worker

from envdoctor.child.layers import Conv2d, Dense, TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Data, Job, Setting, Workload

Weights = dict[str, Tensor]
Model = Callable[[Tensor], Tensor]


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(_: Setting) -> None:
        """Nothing to set: threads and device are told by variables."""

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Put the weights on the device; the step compiles when it first runs."""
        w = {name: Tensor(np.array(value, np.float32)) for name, value in weights.items()}
        Tensor.realize(*w.values())
        model = FAMILIES[job.workload.name.partition("-")[0]](job.workload, w)
        spec = job.optimizer
        optimizer = nn.optim.AdamW(
            list(w.values()),
            lr=spec.learning_rate,
            b1=spec.beta1,
            b2=spec.beta2,
            eps=spec.epsilon,
            weight_decay=spec.weight_decay,
        )
        self._step: Any = TinyJit(lambda rows: self._train(model, optimizer, rows))
        self._loss: Any = None

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        tokens = data.train_inputs.dtype.kind == "i"
        inputs = data.train_inputs.astype(np.int32 if tokens else np.float32)
        self._inputs = Tensor(inputs).realize()
        self._targets = Tensor(data.train_targets.astype(np.int32)).realize()
        self._batches = [Tensor(rows.astype(np.int32)).realize() for rows in data.batches]

    def step(self, batch: int) -> None:
        """Take one step."""
        self._loss = self._step(self._batches[batch])

    def wait(self) -> None:
        """Wait for the device."""
        Device[Device.DEFAULT].synchronize()

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._loss.item())

    def compilations(self) -> None:
        """Not counted."""

    def _train(self, model: Model, optimizer: Any, rows: Tensor) -> Tensor:
        with Context(TRAINING=1):
            optimizer.zero_grad()
            outputs = model(self._inputs[rows])
            loss = outputs.sparse_categorical_crossentropy(self._targets[rows]).backward()
            return loss.realize(*optimizer.schedule_step())


def mlp(_workload: Workload, w: Weights) -> Model:
    """Dense layers with ReLU between them."""
    names = ("dense_1", "dense_2", "dense_3")
    return lambda x: _chain(w, names, x)


def cnn(workload: Workload, w: Weights) -> Model:
    """Two convolutions, each with ReLU and max-pooling, then dense layers."""
    layers = workload.layers
    convolutions = [layer for layer in layers if isinstance(layer, Conv2d)]
    dense = [layer.name for layer in layers if isinstance(layer, Dense)]
    for layer in convolutions:
        kernel = f"{layer.name}.kernel"
        w[kernel] = w[kernel].permute(3, 2, 0, 1).contiguous().realize()

    def forward(x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)
        for layer in convolutions:
            kernel, bias = w[f"{layer.name}.kernel"], w[f"{layer.name}.bias"]
            x = x.conv2d(kernel, bias, padding=layer.padding).relu().max_pool2d()
        # Canonical flatten is over (height, width, channels).
        return _chain(w, dense, x.permute(0, 2, 3, 1).flatten(1))

    return forward


def transformer(workload: Workload, w: Weights) -> Model:
    """Embeddings, pre-norm blocks with causal attention, norm, tied unembedding."""
    blocks = [layer for layer in workload.layers if isinstance(layer, TransformerBlock)]
    table = w["embedding_1.table"]
    embedding = nn.Embedding(*table.shape)
    embedding.weight = table

    def forward(tokens: Tensor) -> Tensor:
        x = embedding(tokens) + w["position_embedding_1.table"]
        for block in blocks:
            name = block.name
            y = _attend(
                _dense(w, f"{name}.qkv", _norm(w, f"{name}.attention_norm", x)), block.heads
            )
            x = x + _dense(w, f"{name}.projection", y)
            y = _dense(w, f"{name}.expand", _norm(w, f"{name}.mlp_norm", x)).gelu()
            x = x + _dense(w, f"{name}.contract", y)
        return _norm(w, "layer_norm_1", x) @ table.T

    return forward


def _chain(w: Weights, names: Any, x: Tensor) -> Tensor:
    for name in names[:-1]:
        x = _dense(w, name, x).relu()
    return _dense(w, names[-1], x)


def _attend(qkv: Tensor, heads: int) -> Tensor:
    """(batch, steps, 3 * width) to (batch, steps, width)."""
    batch, steps, _ = qkv.shape
    query, key, value = (
        part.reshape(batch, steps, heads, -1).transpose(1, 2) for part in qkv.chunk(3, dim=-1)
    )
    mixed = query.scaled_dot_product_attention(key, value, is_causal=True)
    return mixed.transpose(1, 2).flatten(2)


def _dense(w: Weights, name: str, x: Tensor) -> Tensor:
    return x.linear(w[f"{name}.kernel"], w[f"{name}.bias"])


def _norm(w: Weights, name: str, x: Tensor) -> Tensor:
    return x.layernorm(eps=1e-5) * w[f"{name}.scale"] + w[f"{name}.offset"]


FAMILIES: dict[str, Callable[[Workload, Weights], Model]] = {
    "mlp": mlp,
    "cnn": cnn,
    "transformer": transformer,
}
