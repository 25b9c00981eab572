"""A training loop on Keras as its guides write it: the yardstick for the keras backend.

The model is a functional one made for its family, `compile` gets an AdamW of the specified form,
and each batch goes through the train function that `fit` would call. Batches are gathered by the
engine before the step, as a data pipeline on the device does.

`Loop` offers that part of the trainer contract that is timed, so that the same worker can run it.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

import keras  # noqa: TID253  runs in a worker
import numpy as np
from keras import layers, ops  # noqa: TID253

from envdoctor.child.layers import Conv2d, Dense, Embedding, TransformerBlock

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envdoctor.child.contract import Array, Data, Job, Optimizer, Setting, Workload


class AdamW(keras.optimizers.Optimizer):
    """Epsilon beside the root of the corrected second moment; Keras applies the decay."""

    def __init__(self, spec: Optimizer) -> None:
        super().__init__(learning_rate=spec.learning_rate, weight_decay=spec.weight_decay)
        self.spec = spec

    def build(self, variables: Any) -> None:
        """Make both moments of each variable."""
        if self.built:
            return
        super().build(variables)
        self.means, self.squares = self.add_optimizer_variables(variables, ["mean", "square"])

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        if keras.backend.backend() == "tensorflow":
            gradient = tf.convert_to_tensor(gradient)  # that of a lookup is sparse
        index = self._get_variable_index(variable)
        mean, square = self.means[index], self.squares[index]
        step = ops.cast(self.iterations + 1, variable.dtype)
        self.assign(mean, self.spec.beta1 * mean + (1 - self.spec.beta1) * gradient)
        self.assign(square, self.spec.beta2 * square + (1 - self.spec.beta2) * gradient * gradient)
        corrected = mean / -ops.expm1(step * log(self.spec.beta1))
        root = ops.sqrt(square / -ops.expm1(step * log(self.spec.beta2)))
        self.assign_sub(variable, learning_rate * corrected / (root + self.spec.epsilon))


class Loop:
    """The training loop of one workload."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Ask for strict float32, which is what the engines have on a CPU."""
        if keras.backend.backend() == "torch":
            import torch

            torch.set_num_threads(setting.threads)
            torch.set_flush_denormal(True)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build and compile the model; the step compiles when it first runs."""
        model = FAMILIES[job.workload.name.partition("-")[0]](job.workload, weights)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        optimizer = AdamW(job.optimizer)
        model.compile(optimizer=optimizer, loss=loss)
        optimizer.build(model.trainable_variables)
        model.make_train_function()
        self._take: Stateless | Stateful
        self._take = Stateless(model) if keras.backend.backend() == "jax" else Stateful(model)
        self._logs: Any = None

    def stage(self, data: Data) -> None:
        """Put data and plan on the device."""
        tokens = data.train_inputs.dtype.kind == "i"
        self._inputs = ops.convert_to_tensor(data.train_inputs, "int32" if tokens else "float32")
        self._targets = ops.convert_to_tensor(data.train_targets, "int32")
        self._batches = [ops.convert_to_tensor(rows, "int32") for rows in data.batches]

    def step(self, batch: int) -> None:
        """Take one step."""
        rows = self._batches[batch]
        x, y = ops.take(self._inputs, rows, axis=0), ops.take(self._targets, rows, axis=0)
        self._logs = self._take((x, y))

    def wait(self) -> None:
        """Wait for the latest step."""
        if keras.backend.backend() == "jax":
            import jax

            jax.block_until_ready((self._take.state, self._logs))
        elif keras.backend.backend() == "tensorflow":
            tf.test.experimental.sync_devices()

    def loss(self) -> float:
        """The loss of the latest step."""
        return float(self._logs["loss"])

    def compilations(self) -> None:
        """Not counted."""


class Stateful:
    """The train function where variables are changed in place: TensorFlow and torch."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.state = None

    def __call__(self, batch: Any) -> Any:
        """Take a step, with metrics of its own, as `train_on_batch` does."""
        self._model.reset_metrics()
        return self._model.train_function([(*batch, None)])


class Stateless:
    """The train function where the state goes in and out: JAX."""

    def __init__(self, model: Any) -> None:
        parts = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
        self._model = model
        self.state: Any = tuple([ops.copy(each.value) for each in part] for part in parts)

    def __call__(self, batch: Any) -> Any:
        """Take a step, with metrics of its own."""
        *variables, metrics = self.state
        fresh = (*variables, [ops.zeros_like(each) for each in metrics])
        logs, self.state = self._model.train_function(fresh, iter([(*batch, None)]))
        return logs


def mlp(workload: Workload, weights: Mapping[str, Array]) -> Any:
    """Dense layers with ReLU between them."""
    x = inputs = keras.Input(workload.input_shape)
    for name, activation in (("dense_1", "relu"), ("dense_2", "relu"), ("dense_3", None)):
        x = _dense(weights, name, x, activation)
    return keras.Model(inputs, x)


def cnn(workload: Workload, weights: Mapping[str, Array]) -> Any:
    """Two convolutions, each with ReLU and max-pooling, then dense layers."""
    x = inputs = keras.Input(workload.input_shape)
    for layer in (each for each in workload.layers if isinstance(each, Conv2d)):
        padding, filters = "same" if layer.padding else "valid", layer.output_shape[-1]
        made = layers.Conv2D(filters, layer.kernel, padding=padding, activation="relu")
        x = layers.MaxPooling2D()(made(x))
        made.set_weights([weights[f"{layer.name}.kernel"], weights[f"{layer.name}.bias"]])
    x = layers.Flatten()(x)
    names = [layer.name for layer in workload.layers if isinstance(layer, Dense)]
    for name in names[:-1]:
        x = _dense(weights, name, x, "relu")
    return keras.Model(inputs, _dense(weights, names[-1], x))


def transformer(workload: Workload, weights: Mapping[str, Array]) -> Any:
    """Embeddings, pre-norm blocks with causal attention, norm, tied unembedding."""
    (first,) = (layer for layer in workload.layers if isinstance(layer, Embedding))
    inputs = keras.Input(workload.input_shape, dtype="int32")
    steps, width = first.output_shape
    embed = TokensAndPlaces(steps, first.symbols, width)
    x = embed(inputs)
    embed.set_weights([weights[f"{first.name}.table"], weights["position_embedding_1.table"]])
    for block in (each for each in workload.layers if isinstance(each, TransformerBlock)):
        x = _block(weights, block, x)
    return keras.Model(inputs, Tied(embed.tokens)(_norm(weights, "layer_norm_1", x)))


class TokensAndPlaces(layers.Layer):
    """Embeds each token and its place, which must be looked up in `call` to be learned."""

    def __init__(self, steps: int, symbols: int, width: int) -> None:
        super().__init__()
        self.steps = steps
        self.tokens = layers.Embedding(symbols, width)
        self.places = layers.Embedding(steps, width)

    def build(self, shape: Any) -> None:
        """Make both tables."""
        self.tokens.build(shape)
        self.places.build((self.steps,))
        self.built = True

    def call(self, x: Any) -> Any:
        """The sum of both embeddings."""
        return self.tokens(x) + self.places(ops.arange(self.steps))


class Tied(layers.Layer):
    """Multiplies by the transposed table of an embedding."""

    def __init__(self, table: Any) -> None:
        super().__init__()
        self.table = table

    def call(self, x: Any) -> Any:
        """The logits."""
        return ops.matmul(x, ops.transpose(self.table.embeddings))


def _block(weights: Mapping[str, Array], block: TransformerBlock, x: Any) -> Any:
    name, width = block.name, block.output_shape[-1]
    attention = layers.MultiHeadAttention(block.heads, width // block.heads)
    y = _norm(weights, f"{name}.attention_norm", x)
    x = x + attention(y, y, use_causal_mask=True)
    kernels = np.split(weights[f"{name}.qkv.kernel"], 3, axis=-1)
    biases = np.split(weights[f"{name}.qkv.bias"], 3)
    parts = [value for pair in zip(kernels, biases, strict=True) for value in pair]
    parts += [weights[f"{name}.projection.kernel"], weights[f"{name}.projection.bias"]]
    variables = attention.weights
    attention.set_weights([p.reshape(v.shape) for p, v in zip(parts, variables, strict=True)])
    y = _dense(weights, f"{name}.expand", _norm(weights, f"{name}.mlp_norm", x), _gelu)
    return x + _dense(weights, f"{name}.contract", y)


def _gelu(x: Any) -> Any:
    return keras.activations.gelu(x, approximate=True)


def _dense(weights: Mapping[str, Array], name: str, x: Any, activation: Any = None) -> Any:
    kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
    made = layers.Dense(kernel.shape[-1], activation=activation)
    y = made(x)
    made.set_weights([kernel, bias])
    return y


def _norm(weights: Mapping[str, Array], name: str, x: Any) -> Any:
    made = layers.LayerNormalization(epsilon=1e-5)
    y = made(x)
    made.set_weights([weights[f"{name}.scale"], weights[f"{name}.offset"]])
    return y


FAMILIES: dict[str, Callable[[Workload, Mapping[str, Array]], Any]] = {
    "mlp": mlp,
    "cnn": cnn,
    "transformer": transformer,
}
