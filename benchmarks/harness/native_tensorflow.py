"""A bare TensorFlow training loop, tuned by hand: the yardstick for the tensorflow backend.

One `tf.function` is the whole step, from the gather of the batch to the update, run by the graph
executor (mode `graph`) or compiled by XLA (mode `xla`). Every parameter is a variable of its own.
The update is one fused kernel for each in graph mode, and plain arithmetic under XLA, which fuses
it. Dense layers see two-dimensional operands, and nothing is read back.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf  # noqa: TID253  runs in a worker

from envdoctor.child.layers import Conv2d, Dense, TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envdoctor.child.contract import Array, Data, Job, Optimizer, Setting, Workload

Parameters = dict[str, Any]
Forward = Callable[[Parameters, Any], Any]


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set the threads of both pools."""
        tf.config.threading.set_intra_op_parallelism_threads(setting.threads)
        tf.config.threading.set_inter_op_parallelism_threads(setting.threads)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Make the variables; the step is traced and compiled when it first runs."""
        self._weights = {
            name: tf.Variable(value, dtype=tf.float32) for name, value in weights.items()
        }
        self._xla = job.setting.mode == "xla"
        self._update = _AdamW(job.optimizer, list(self._weights.values()), fused=not self._xla)
        self._forward = FAMILIES[job.workload.name.partition("-")[0]](job.workload)
        self._loss: Any = None

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        tokens = data.train_inputs.dtype.kind == "i"
        self._inputs = tf.constant(data.train_inputs, tf.int64 if tokens else tf.float32)
        self._targets = tf.constant(data.train_targets, tf.int64)
        self._batches = tf.unstack(tf.constant(data.batches, tf.int64))
        signature = [tf.TensorSpec(self._batches[0].shape, tf.int64)]
        self._step = tf.function(
            self._take_step, input_signature=signature, jit_compile=self._xla or None
        )

    def step(self, batch: int) -> None:
        """Take one step."""
        self._loss = self._step(self._batches[batch])

    def wait(self) -> None:
        """Return when every device is idle."""
        tf.test.experimental.sync_devices()

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._loss)

    def compilations(self) -> None:
        """Not counted."""

    def _take_step(self, rows: Any) -> Any:
        with tf.GradientTape() as tape:
            outputs = self._forward(self._weights, tf.gather(self._inputs, rows))
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    labels=tf.reshape(tf.gather(self._targets, rows), (-1,)),
                    logits=tf.reshape(outputs, (-1, outputs.shape[-1])),
                )
            )
        variables = list(self._weights.values())
        self._update.apply([tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)])
        return loss


class _AdamW:
    """AdamW over separate variables; epsilon outside the root of the corrected square."""

    def __init__(self, spec: Optimizer, variables: list[Any], *, fused: bool) -> None:
        self._spec = spec
        self._variables = variables
        self._fused = fused
        self._mean = [tf.Variable(tf.zeros_like(each)) for each in variables]
        self._square = [tf.Variable(tf.zeros_like(each)) for each in variables]
        self._count = tf.Variable(0.0, dtype=tf.float64)
        self._betas = np.array([spec.beta1, spec.beta2], np.float32)

    def apply(self, gradients: list[Any]) -> None:
        """Take one step."""
        count = self._count.assign_add(1.0)
        corrections = 1.0 - self._betas.astype(np.float64) ** count
        apply = self._apply_fused if self._fused else self._apply_plainly
        for number, gradient in enumerate(gradients):
            apply(number, gradient, corrections)

    def _apply_plainly(self, number: int, gradient: Any, corrections: Any) -> None:
        spec, variable = self._spec, self._variables[number]
        beta1, beta2 = self._betas
        mean = self._mean[number].assign(beta1 * self._mean[number] + (1 - beta1) * gradient)
        square = self._square[number].assign(
            beta2 * self._square[number] + (1 - beta2) * gradient * gradient
        )
        share = tf.cast(corrections, gradient.dtype)
        slope = (mean / share[0]) / (tf.sqrt(square / share[1]) + spec.epsilon)
        variable.assign_sub(spec.learning_rate * (slope + spec.weight_decay * variable))

    def _apply_fused(self, number: int, gradient: Any, corrections: Any) -> None:
        """The kernel adds epsilon before the correction, so it is given a corrected epsilon."""
        spec, variable = self._spec, self._variables[number]
        root = tf.sqrt(corrections[1])
        zero = tf.zeros((), gradient.dtype)
        variable.assign(variable * (1.0 - spec.learning_rate * spec.weight_decay))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._mean[number].handle,
            v=self._square[number].handle,
            beta1_power=zero,
            beta2_power=zero,
            lr=tf.cast(spec.learning_rate * root / corrections[0], gradient.dtype),
            beta1=self._betas[0],
            beta2=self._betas[1],
            epsilon=tf.cast(spec.epsilon * root, gradient.dtype),
            grad=gradient,
        )


def mlp(_workload: Workload) -> Forward:
    """Dense layers with ReLU between them."""

    def forward(w: Parameters, x: Any) -> Any:
        x = tf.nn.relu(_dense(w, "dense_1", x))
        x = tf.nn.relu(_dense(w, "dense_2", x))
        return _dense(w, "dense_3", x)

    return forward


def cnn(workload: Workload) -> Forward:
    """Two convolutions, each with ReLU and max-pooling, then dense layers."""
    layers = workload.layers
    paddings = [layer.padding for layer in layers if isinstance(layer, Conv2d)]
    dense = [layer.name for layer in layers if isinstance(layer, Dense)]

    def forward(w: Parameters, x: Any) -> Any:
        for number, padding in enumerate(paddings, 1):
            sides = [padding, padding]
            y = tf.nn.conv2d(x, w[f"conv2d_{number}.kernel"], 1, [[0, 0], sides, sides, [0, 0]])
            y = tf.nn.bias_add(y, w[f"conv2d_{number}.bias"])
            x = tf.nn.max_pool2d(tf.nn.relu(y), 2, 2, "VALID")
        x = tf.reshape(x, (x.shape[0], -1))
        for name in dense[:-1]:
            x = tf.nn.relu(_dense(w, name, x))
        return _dense(w, dense[-1], x)

    return forward


def transformer(workload: Workload) -> Forward:
    """Embeddings, pre-norm blocks with causal attention, norm, tied unembedding."""
    blocks = [layer for layer in workload.layers if isinstance(layer, TransformerBlock)]
    steps = workload.input_shape[0]
    mask = np.where(np.tri(steps, dtype=bool), 0.0, -1e9).astype(np.float32)

    def forward(w: Parameters, tokens: Any) -> Any:
        table = tf.convert_to_tensor(w["embedding_1.table"])
        x = tf.gather(table, tokens) + w["position_embedding_1.table"]
        for block in blocks:
            name = block.name
            y = _dense(w, f"{name}.qkv", _norm(w, f"{name}.attention_norm", x))
            x += _dense(w, f"{name}.projection", _attend(y, block.heads, mask))
            y = _dense(w, f"{name}.expand", _norm(w, f"{name}.mlp_norm", x))
            x += _dense(w, f"{name}.contract", tf.nn.gelu(y, approximate=True))
        x = _norm(w, "layer_norm_1", x)
        return tf.matmul(tf.reshape(x, (-1, x.shape[-1])), table, transpose_b=True)

    return forward


def _attend(qkv: Any, heads: int, mask: Array) -> Any:
    """(batch, steps, 3 * width) to (batch, steps, width)."""
    batch, steps, triple = qkv.shape
    split = tf.reshape(qkv, (batch, steps, 3, heads, -1))
    query, key, value = tf.unstack(tf.transpose(split, (2, 0, 3, 1, 4)))
    scores = tf.matmul(query * query.shape[-1] ** -0.5, key, transpose_b=True) + mask
    mixed = tf.matmul(tf.nn.softmax(scores), value)  # (batch, heads, steps, head width)
    return tf.reshape(tf.transpose(mixed, (0, 2, 1, 3)), (batch, steps, triple // 3))


def _dense(w: Parameters, name: str, x: Any) -> Any:
    flat = tf.matmul(tf.reshape(x, (-1, x.shape[-1])), w[f"{name}.kernel"])
    y = tf.nn.bias_add(flat, w[f"{name}.bias"])
    return tf.reshape(y, (*x.shape[:-1], y.shape[-1]))


def _norm(w: Parameters, name: str, x: Any) -> Any:
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    normal = centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + 1e-5)
    return normal * w[f"{name}.scale"] + w[f"{name}.offset"]


FAMILIES: dict[str, Callable[[Workload], Forward]] = {
    "mlp": mlp,
    "cnn": cnn,
    "transformer": transformer,
}
