"""A bare MindSpore training loop, as its documentation writes it: the yardstick for our backend.

A cell of `mindspore.nn`, `value_and_grad` of a function that gathers the batch, and AdamW of
`mindspore.experimental.optim`; in graph mode `mindspore.jit` compiles all of it. Nothing is read
back.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import mindspore as ms  # noqa: TID253  runs in a worker
import numpy as np
from mindspore import Parameter, Tensor, nn, ops  # noqa: TID253
from mindspore.experimental import optim  # noqa: TID253

from envdoctor.child.layers import Conv2d, Dense, TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envdoctor.child.contract import Array, Data, Job, Setting, Workload


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set the device and the threads of its kernels."""
        ms.set_device("CPU")
        ms.device_context.cpu.op_tuning.threads_num(setting.threads)
        ms.set_context(mode=ms.PYNATIVE_MODE)
        # Beside NumPy 2 the first operator with such an argument fails, and only that one.
        with suppress(SystemError):
            Tensor([1.0]).reshape((1, 1))

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Load the weights; the step compiles when it first runs."""
        model = FAMILIES[job.workload.name.partition("-")[0]](job.workload, dict(weights))
        spec = job.optimizer
        optimizer = optim.AdamW(
            model.trainable_params(),
            lr=spec.learning_rate,
            betas=(spec.beta1, spec.beta2),
            eps=spec.epsilon,
            weight_decay=spec.weight_decay,
        )

        def forward(inputs: Any, targets: Any, rows: Any) -> Any:
            outputs = model(ops.gather(inputs, rows, 0))
            labels = ops.gather(targets, rows, 0)
            return ops.cross_entropy(
                outputs.reshape((-1, outputs.shape[-1])), labels.reshape((-1,))
            )

        differentiate = ms.value_and_grad(forward, None, optimizer.parameters)

        def step(inputs: Any, targets: Any, rows: Any) -> Any:
            loss, gradients = differentiate(inputs, targets, rows)
            optimizer(gradients)
            return loss

        self._step = ms.jit(step) if job.setting.mode == "graph" else step
        self._loss: Any = None

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        tokens = data.train_inputs.dtype.kind == "i"
        self._inputs = Tensor(data.train_inputs.astype(np.int32 if tokens else np.float32))
        self._targets = Tensor(data.train_targets.astype(np.int32))
        self._batches = [Tensor(rows.astype(np.int32)) for rows in data.batches]

    def step(self, batch: int) -> None:
        """Take one step."""
        self._loss = self._step(self._inputs, self._targets, self._batches[batch])

    def wait(self) -> None:
        """Wait for the device."""
        ms.runtime.synchronize()

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._loss.asnumpy())

    def compilations(self) -> None:
        """Not counted."""


class Flatten(nn.Cell):
    """Flattens an image with its channels last."""

    def construct(self, x: Any) -> Any:
        """(batch, channels, height, width) to (batch, height * width * channels)."""
        return ops.transpose(x, (0, 2, 3, 1)).reshape((x.shape[0], -1))


class ChannelsFirst(nn.Cell):
    """Turns an image, once a step."""

    def construct(self, x: Any) -> Any:
        """(batch, height, width, channels) to (batch, channels, height, width)."""
        return ops.transpose(x, (0, 3, 1, 2))


class Block(nn.Cell):
    """A pre-norm transformer block with causal attention."""

    def __init__(self, layer: TransformerBlock, w: dict[str, Any]) -> None:
        super().__init__()
        self.steps, self.width = layer.input_shape
        self.heads, name = layer.heads, layer.name
        self.norms = nn.CellList(
            [_norm(w, f"{name}.{it}") for it in ("attention_norm", "mlp_norm")]
        )
        self.qkv = _dense(w, f"{name}.qkv")
        self.projection = _dense(w, f"{name}.projection")
        self.expand = _dense(w, f"{name}.expand")
        self.gelu = nn.GELU(approximate=True)
        self.contract = _dense(w, f"{name}.contract")
        self.mask = Tensor(np.triu(np.full((self.steps, self.steps), -1e9, np.float32), 1))

    def construct(self, x: Any) -> Any:
        """(batch, steps, width) to the same."""
        y = self.qkv(self.norms[0](x)).reshape(
            (-1, self.steps, 3, self.heads, self.width // self.heads)
        )
        y = ops.transpose(y, (2, 0, 3, 1, 4))
        scores = ops.BatchMatMul(transpose_b=True)(y[0], y[1])
        scores = scores * ((self.width // self.heads) ** -0.5) + self.mask
        y = ops.transpose(ops.BatchMatMul()(ops.softmax(scores, -1), y[2]), (0, 2, 1, 3))
        x = x + self.projection(y.reshape((-1, self.steps, self.width)))
        return x + self.contract(self.gelu(self.expand(self.norms[1](x))))


class Decoder(nn.Cell):
    """Embeddings, blocks, norm, tied unembedding."""

    def __init__(self, workload: Workload, w: dict[str, Any]) -> None:
        super().__init__()
        self.table = Parameter(_tensor(w["embedding_1.table"]), name="table")
        self.positions = Parameter(_tensor(w["position_embedding_1.table"]), name="positions")
        blocks = [layer for layer in workload.layers if isinstance(layer, TransformerBlock)]
        self.blocks = nn.SequentialCell([Block(layer, w) for layer in blocks])
        self.norm = _norm(w, "layer_norm_1")

    def construct(self, tokens: Any) -> Any:
        """(batch, steps) to (batch * steps, symbols)."""
        x = self.norm(self.blocks(ops.gather(self.table, tokens, 0) + self.positions))
        return ops.MatMul(transpose_b=True)(x.reshape((-1, x.shape[-1])), self.table)


def mlp(_workload: Workload, w: dict[str, Any]) -> nn.Cell:
    """Dense layers with ReLU between them."""
    return nn.SequentialCell(_chain(w, ["dense_1", "dense_2", "dense_3"]))


def cnn(workload: Workload, w: dict[str, Any]) -> nn.Cell:
    """Two convolutions, each with ReLU and max-pooling, then dense layers."""
    cells: list[nn.Cell] = [ChannelsFirst()]
    for layer in workload.layers:
        if isinstance(layer, Conv2d):
            cells += [_convolution(layer, w), nn.ReLU(), nn.MaxPool2d(2, 2)]
    dense = [layer.name for layer in workload.layers if isinstance(layer, Dense)]
    return nn.SequentialCell([*cells, Flatten(), *_chain(w, dense)])


def _chain(w: dict[str, Any], names: list[str]) -> list[nn.Cell]:
    cells: list[nn.Cell] = []
    for name in names:
        cells += [_dense(w, name), nn.ReLU()]
    return cells[:-1]


def _convolution(layer: Conv2d, w: dict[str, Any]) -> nn.Cell:
    return nn.Conv2d(
        layer.input_shape[-1],
        layer.output_shape[-1],
        layer.kernel,
        pad_mode="pad",
        padding=layer.padding,
        has_bias=True,
        weight_init=_tensor(w[f"{layer.name}.kernel"].transpose(3, 2, 0, 1)),
        bias_init=_tensor(w[f"{layer.name}.bias"]),
    )


def _dense(w: dict[str, Any], name: str) -> nn.Cell:
    kernel = _tensor(w[f"{name}.kernel"].T)
    return nn.Dense(
        kernel.shape[1], kernel.shape[0], weight_init=kernel, bias_init=_tensor(w[f"{name}.bias"])
    )


def _norm(w: dict[str, Any], name: str) -> nn.Cell:
    scale, offset = (_tensor(w[f"{name}.{part}"]) for part in ("scale", "offset"))
    return nn.LayerNorm(scale.shape, gamma_init=scale, beta_init=offset, epsilon=1e-5)


def _tensor(value: Array) -> Tensor:
    return Tensor(np.array(value, np.float32, order="C"))


FAMILIES: dict[str, Callable[[Workload, dict[str, Any]], nn.Cell]] = {
    "mlp": mlp,
    "cnn": cnn,
    "transformer": Decoder,
}
