"""Trains a resolved workload with Keras, by its own train step, on one of three engines."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Optional

import keras
import numpy as np

from envdoctor.child.contract import (
    Array,
    Data,
    DeviceMemory,
    Gradients,
    Job,
    Setting,
    Unsupported,
    evaluation_slices,
)
from envdoctor_keras.engine import find_engine
from envdoctor_keras.model import build_model
from envdoctor_keras.parameters import bind, by_name, load


class Trainer:
    """One compiled `keras.Model` being trained on one device."""

    @staticmethod
    def start(setting: Setting) -> None:
        """Set what Keras would read from the user's file, then wake the engine."""
        engine = find_engine(setting.mode)
        if setting.precision != "fp32":
            raise Unsupported(f"precision {setting.precision} is not available")
        if keras.backend.backend() != setting.mode:
            raise Unsupported(f"Keras was started on {keras.backend.backend()}, by KERAS_BACKEND")
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        keras.config.set_image_data_format("channels_last")
        engine.start(setting)

    def __init__(self, job: Job, weights: Mapping[str, Array]) -> None:
        """Build and compile the model and load the weights; its step compiles when it is run."""
        if job.variation is not None:
            raise Unsupported("the Keras backend offers no variations")
        self._engine = find_engine(job.setting.mode)
        self._batch = job.workload.batch
        self._engine.reset_peak()
        # What earlier trainers of this process left in Keras's global state.
        keras.backend.clear_session()
        model, names = build_model(job, self._engine.Model)
        self._bindings = bind(names, weights)
        load(self._bindings, weights)
        self._variables = model.trainable_variables
        self._session = self._engine.Session(model)
        self._loss: Any = float("nan")

    def stage(self, data: Data) -> None:
        """Put the data on the device, and the rows of each batch as an array of their own."""
        self._inputs = {split: self._put(data.inputs(split)) for split in ("train", "test")}
        self._targets = self._put(data.train_targets)
        self._batches: List[Any] = [self._put(rows) for rows in data.batches]

    def step(self, batch: int) -> None:
        """Take one optimiser step."""
        staged = (self._inputs["train"], self._targets, self._batches[batch])
        self._loss = self._session.step(staged)

    def wait(self) -> None:
        """Return when everything that a step changes is there."""
        self._session.wait()

    def loss(self) -> float:
        """The loss of the latest step, before its update."""
        return float(self._loss)

    def differentiate(self, batch: int) -> Gradients:
        """Run forward and backward pass of the train step, and no update."""
        staged = (self._inputs["train"], self._targets, self._batches[batch])
        loss, outputs, gradients = self._session.differentiate(staged)
        values = [keras.ops.convert_to_numpy(gradient) for gradient in gradients]
        tensors = by_name(self._bindings, self._variables, values)
        return Gradients(float(loss), np.array(keras.ops.convert_to_numpy(outputs)), tensors)

    def outputs(self, split: str) -> Array:
        """Predict for a whole split, in pieces of one size."""
        inputs = self._inputs[split]
        slices = evaluation_slices(inputs.shape[0], self._batch)
        return np.concatenate([self._session.evaluate(inputs[rows])[kept] for rows, kept in slices])

    def weights(self) -> Mapping[str, Array]:
        """The present parameters, by canonical name and shape."""
        return by_name(self._bindings, self._variables, self._session.values())

    def device_memory(self) -> Optional[DeviceMemory]:
        """The peak on a GPU; None on the host."""
        return self._engine.device_memory()

    def compilations(self) -> Optional[int]:
        """How often the train step was compiled; None where it is not."""
        return self._session.compilations()

    @staticmethod
    def product(size: int, setting: Setting) -> Callable[[], None]:
        """A square matrix product of the engine, for the practical peak."""
        return find_engine(setting.mode).make_product(size)

    def _put(self, values: Array) -> Any:
        """Values on the device, floats in float32."""
        return self._engine.put(values.astype(np.float32) if values.dtype.kind == "f" else values)
