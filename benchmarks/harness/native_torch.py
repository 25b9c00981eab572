"""A bare PyTorch training loop, tuned by hand: the yardstick for the torch backend.

It has no modules and no layers in between: a function of a dictionary of tensors for each of the
three networks (`mlp`, `cnn`, `transformer`), written with `torch.nn.functional` and the fused
`torch.optim.AdamW`. Images are kept channels-last, the batch is gathered on the device, and
nothing is read back. Mode `eager` differentiates by autograd; mode `compile` passes gather,
forward and backward pass through one `torch.compile`.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch  # noqa: TID253  runs in a worker
from torch import Tensor  # noqa: TID253
from torch.func import grad_and_value  # noqa: TID253
from torch.nn import functional  # noqa: TID253

from envdoctor.child.layers import Conv2d, Dense, TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Data, Job, Setting, Workload

Parameters = dict[str, Tensor]
Forward = Callable[[Parameters, Tensor], Tensor]

# Below so many steps written-out attention is faster than the fused kernel on the CPU.
LEAST_FUSED_STEPS = 128


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads, and flush denormal numbers as all rows do."""
        torch.set_flush_denormal(True)
        torch.set_num_threads(setting.threads)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Put the weights into torch's own layout and make the optimiser."""
        self._weights = {name: to_native(name, value) for name, value in weights.items()}
        spec = job.optimizer
        self._optimizer = torch.optim.AdamW(
            self._weights.values(),
            lr=spec.learning_rate,
            betas=(spec.beta1, spec.beta2),
            eps=spec.epsilon,
            weight_decay=spec.weight_decay,
            fused=True,
        )
        forward = FAMILIES[job.workload.name.partition("-")[0]](job.workload)

        def objective(w: Parameters, inputs: Tensor, targets: Tensor, rows: Tensor) -> Tensor:
            outputs = forward(w, inputs.index_select(0, rows)).flatten(0, -2)
            return functional.cross_entropy(outputs, targets.index_select(0, rows).flatten())

        self._compiled = job.setting.mode == "compile"
        if self._compiled:
            self._run: Any = torch.compile(grad_and_value(objective), dynamic=False, fullgraph=True)
        else:
            for weight in self._weights.values():
                weight.requires_grad_()
            self._run = objective
        self._loss = torch.tensor(math.nan)

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        tokens = data.train_inputs.dtype.kind == "i"
        self._inputs = torch.tensor(
            data.train_inputs, dtype=torch.int64 if tokens else torch.float32
        )
        self._targets = torch.tensor(data.train_targets, dtype=torch.int64)
        self._batches = torch.tensor(data.batches, dtype=torch.int64).unbind()

    def step(self, batch: int) -> None:
        """Take one step."""
        rows = self._batches[batch]
        if self._compiled:
            gradients, self._loss = self._run(self._weights, self._inputs, self._targets, rows)
            for name, weight in self._weights.items():
                weight.grad = gradients[name]
        else:
            loss = self._run(self._weights, self._inputs, self._targets, rows)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._loss = loss
        self._optimizer.step()

    def wait(self) -> None:
        """Nothing: on the CPU a call returns when its work is done."""

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._loss.item())

    def compilations(self) -> None:
        """Not counted."""


def to_native(name: str, value: Array) -> Tensor:
    """A dense kernel as (out, in), a convolution's as (out, in, height, width)."""
    weight = torch.tensor(value, dtype=torch.float32)
    if weight.dim() == 4:
        return weight.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    return weight.t().contiguous() if name.endswith(".kernel") else weight


def mlp(_workload: Workload) -> Forward:
    """Dense layers with ReLU between them."""

    def forward(w: Parameters, x: Tensor) -> Tensor:
        x = functional.relu(_dense(w, "dense_1", x))
        x = functional.relu(_dense(w, "dense_2", x))
        return _dense(w, "dense_3", x)

    return forward


def cnn(workload: Workload) -> Forward:
    """Two convolutions, each with ReLU and max-pooling, then dense layers."""
    layers = workload.layers
    paddings = [layer.padding for layer in layers if isinstance(layer, Conv2d)]
    dense = [layer.name for layer in layers if isinstance(layer, Dense)]

    def forward(w: Parameters, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)  # (batch, channels, height, width), channels-last in memory
        for number, padding in enumerate(paddings, 1):
            kernel, bias = w[f"conv2d_{number}.kernel"], w[f"conv2d_{number}.bias"]
            x = functional.max_pool2d(functional.conv2d(x, kernel, bias, padding=padding).relu(), 2)
        x = x.permute(0, 2, 3, 1).flatten(1)
        for name in dense[:-1]:
            x = functional.relu(_dense(w, name, x))
        return _dense(w, dense[-1], x)

    return forward


def transformer(workload: Workload) -> Forward:
    """Embeddings, pre-norm blocks with causal attention, norm, tied unembedding."""
    blocks = [layer for layer in workload.layers if isinstance(layer, TransformerBlock)]
    steps = workload.input_shape[0]
    mask = torch.full((steps, steps), -math.inf).triu(1)

    def forward(w: Parameters, tokens: Tensor) -> Tensor:
        table = w["embedding_1.table"]
        x = functional.embedding(tokens, table) + w["position_embedding_1.table"]
        for block in blocks:
            name = block.name
            y = _dense(w, f"{name}.qkv", _norm(w, f"{name}.attention_norm", x))
            x = x + _dense(w, f"{name}.projection", attend(y, block.heads, mask))
            y = _dense(w, f"{name}.expand", _norm(w, f"{name}.mlp_norm", x))
            x = x + _dense(w, f"{name}.contract", functional.gelu(y, approximate="tanh"))
        return functional.linear(_norm(w, "layer_norm_1", x), table)

    return forward


def attend(qkv: Tensor, heads: int, mask: Tensor) -> Tensor:
    """(batch, steps, 3 * width) to (batch, steps, width)."""
    batch, steps, _ = qkv.shape
    split = qkv.view(batch, steps, 3, heads, -1).permute(2, 0, 3, 1, 4)
    if steps >= LEAST_FUSED_STEPS:
        query, key, value = split
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    else:
        query, key, value = split.flatten(1, 2)  # each (batch * heads, steps, head width)
        scale = query.shape[-1] ** -0.5
        scores = torch.baddbmm(mask, query, key.transpose(1, 2), alpha=scale)
        mixed = torch.bmm(scores.softmax(-1), value).unflatten(0, (batch, heads))
    return mixed.transpose(1, 2).flatten(2)


def _dense(w: Parameters, name: str, x: Tensor) -> Tensor:
    return functional.linear(x, w[f"{name}.kernel"], w[f"{name}.bias"])


def _norm(w: Parameters, name: str, x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], w[f"{name}.scale"], w[f"{name}.offset"], 1e-5)


FAMILIES: dict[str, Callable[[Workload], Forward]] = {
    "mlp": mlp,
    "cnn": cnn,
    "transformer": transformer,
}
