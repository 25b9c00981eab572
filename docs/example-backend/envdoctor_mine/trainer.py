"""Trains dense networks with numpy.einsum, gradients written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from envdoctor.child.contract import (
    Array,
    Data,
    DeviceMemory,
    Gradients,
    Job,
    Optimizer,
    Setting,
    Unsupported,
    evaluation_slices,
    float_type,
)
from envdoctor.child.products import random_matrices


class Trainer:
    """One dense network being trained on the CPU."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Refuse what cannot be done, then do one operation, so that the device is awake."""
        if setting.device != "cpu":
            raise Unsupported(f"there is no {setting.device} here, only the cpu")
        ones = np.ones(8, float_type(setting))
        np.einsum("i,i->", ones, ones)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        if job.variation is not None:
            raise Unsupported("only the reference backend has variations")
        for layer in job.workload.layers:
            if layer.kind != "dense" or len(layer.input_shape) > 1:
                raise Unsupported(f"layer {layer.name}: only `dense` on vectors is available")
            if layer.activation not in ("relu", "none"):
                raise Unsupported(f"layer {layer.name}: no activation {layer.activation}")
        if job.workload.loss not in LOSSES:
            raise Unsupported(f"loss {job.workload.loss} is not available")
        if job.optimizer.kind not in OPTIMIZERS:
            raise Unsupported(f"optimiser {job.optimizer.kind} is not available")
        self._layers = job.workload.layers
        self._batch = job.workload.batch
        self._objective = LOSSES[job.workload.loss]
        self._dtype = float_type(job.setting)
        # A copy: the arrays that are handed over stay as they are.
        self._weights = {name: np.array(value, self._dtype) for name, value in weights.items()}
        self._update = OPTIMIZERS[job.optimizer.kind](job.optimizer)
        self._loss = float("nan")

    def stage(self, data: Data) -> None:
        """Convert once, so that no step has to."""
        self._inputs = {
            split: data.inputs(split).astype(self._dtype) for split in ("train", "test")
        }
        labels = data.train_targets.dtype.kind == "i"
        self._targets = data.train_targets.astype(np.intp if labels else self._dtype)
        self._batches = data.batches

    def step(self, batch: int) -> None:
        """One optimiser step; NumPy is done when it returns, so `wait` has nothing to do."""
        self._loss, _, gradients = self._differentiate(batch)
        self._update(self._weights, gradients)

    def wait(self) -> None:
        """Return when everything is there."""

    def loss(self) -> float:
        """The loss of the latest step, before its update."""
        return float(self._loss)

    def differentiate(self, batch: int) -> Gradients:
        """The same pass as in `step`, without the update."""
        loss, outputs, gradients = self._differentiate(batch)
        return Gradients(loss=float(loss), outputs=outputs, tensors=gradients)

    def outputs(self, split: str) -> Array:
        """The outputs for a whole split, in pieces of one size."""
        inputs = self._inputs[split]
        pieces = [
            self._forward(inputs[rows])[-1][kept]
            for rows, kept in evaluation_slices(len(inputs), self._batch)
        ]
        return np.concatenate(pieces)

    def weights(self) -> Mapping[str, Array]:
        """The present parameters, by the names that they came with."""
        return {name: value.copy() for name, value in self._weights.items()}

    def device_memory(self) -> DeviceMemory | None:
        """None: the device is the host."""
        return None

    def compilations(self) -> int | None:
        """None: nothing is compiled."""
        return None

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """Multiply two float32 matrices by the fastest way there is: not by einsum."""
        left, right = random_matrices(size)
        result = np.empty_like(left)

        def multiply() -> None:
            np.matmul(left, right, out=result)

        return multiply

    def _forward(self, x: Array) -> list[Array]:
        """The input of every layer, and the outputs."""
        values = [x]
        for layer in self._layers:
            y = np.einsum("bi,io->bo", values[-1], self._weights[f"{layer.name}.kernel"])
            if layer.bias:
                y = y + self._weights[f"{layer.name}.bias"]
            values.append(np.maximum(y, 0) if layer.activation == "relu" else y)
        return values

    def _differentiate(self, batch: int) -> tuple[Any, Array, dict[str, Array]]:
        rows = self._batches[batch]
        values = self._forward(self._inputs["train"][rows])
        loss, slope = self._objective(values[-1], self._targets[rows])
        gradients: dict[str, Array] = {}
        for index, layer in reversed(list(enumerate(self._layers))):
            if layer.activation == "relu":
                slope = slope * (values[index + 1] > 0)
            kernel = self._weights[f"{layer.name}.kernel"]
            gradients[f"{layer.name}.kernel"] = np.einsum("bi,bo->io", values[index], slope)
            if layer.bias:
                gradients[f"{layer.name}.bias"] = np.einsum("bo->o", slope)
            slope = np.einsum("bo,io->bi", slope, kernel)
        return loss, values[-1], gradients


def cross_entropy(outputs: Array, targets: Array) -> tuple[Any, Array]:
    """The mean of the negative log-softmax at the labels, and its gradient."""
    rows = np.arange(len(outputs))
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    slope = np.exp(shifted)
    total = slope.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - shifted[rows, targets]).mean()
    slope /= total
    slope[rows, targets] -= 1
    return loss, slope / len(outputs)


def inner_product(outputs: Array, targets: Array) -> tuple[Any, Array]:
    """The mean over the batch of sum(outputs * targets): it scripts the gradient."""
    return np.einsum("bo,bo->", outputs, targets) / len(outputs), targets / len(outputs)


class Sgd:
    """Momentum; the first velocity is the first gradient."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._velocity: dict[str, Array] = {}

    def __call__(self, weights: dict[str, Array], gradients: Mapping[str, Array]) -> None:
        o = self._optimizer
        for name, g in gradients.items():
            self._velocity[name] = o.momentum * self._velocity.get(name, 0) + g
            weights[name] -= o.learning_rate * self._velocity[name]


class AdamW:
    """Adam with decoupled decay: epsilon outside the root, after the bias correction."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._steps = 0
        self._first: dict[str, Array] = {}
        self._second: dict[str, Array] = {}

    def __call__(self, weights: dict[str, Array], gradients: Mapping[str, Array]) -> None:
        o = self._optimizer
        self._steps += 1
        for name, g in gradients.items():
            first = self._first[name] = o.beta1 * self._first.get(name, 0) + (1 - o.beta1) * g
            second = o.beta2 * self._second.get(name, 0) + (1 - o.beta2) * g * g
            self._second[name] = second
            mean = first / (1 - o.beta1**self._steps)
            root = np.sqrt(second / (1 - o.beta2**self._steps))
            decay = o.weight_decay * weights[name]
            weights[name] -= o.learning_rate * (mean / (root + o.epsilon) + decay)


LOSSES = {"cross_entropy": cross_entropy, "inner_product": inner_product}
OPTIMIZERS = {"sgd": Sgd, "adamw": AdamW}
