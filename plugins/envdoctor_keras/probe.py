"""Exercises Keras, on the engine that the environment chooses, on that engine's own device."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix


def probe(report: Report, device: Optional[str]) -> None:
    """Name the device that Keras computes on, or exercise it."""
    exercise(KerasExercises, report, device)


class KerasExercises:
    """The exercises, by layers and operations of Keras."""

    def __init__(self) -> None:
        self._keras: Any = importlib.import_module("keras")
        self._ops: Any = importlib.import_module("keras.ops")

    def details(self) -> Dict[str, str]:
        """The version and the engine."""
        return {"version": str(self._keras.__version__), "backend": self._keras.backend.backend()}

    def devices(self) -> List[str]:
        """The CPU: the engines under Keras are exercised on their devices by their own probes."""
        return ["cpu"]

    def why_no_gpu(self) -> str:
        """Keras does not say."""
        return ""

    def use(self, device: str) -> None:
        """Place everything on this device."""
        self._keras.config.set_image_data_format("channels_last")
        self._keras.device(device).__enter__()
        self._array([[1.0]])

    def allocate(self, numbers: int) -> float:
        """The sum of ones."""
        return float(self._ops.sum(self._ops.ones(numbers, dtype="float32")))

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """A dense layer whose kernel is the right matrix."""
        return self._list(self._dense(right)(self._array(left)))

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """A convolution of one channel, channels last."""
        images = self._array(image)[None, :, :, None]
        kernels = self._array(kernel)[:, :, None, None]
        return self._list(self._ops.conv(images, kernels)[0, :, :, 0])

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """Dot-product attention with one head."""
        operands = [self._array(each)[None, :, None, :] for each in (query, key, value)]
        return self._list(self._ops.dot_product_attention(*operands)[0, :, 0])

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """What a step of the train function with the rate 1 takes off a kernel."""
        layer = self._dense(weights)
        model = self._keras.Sequential([layer])
        model.compile(optimizer=self._keras.optimizers.SGD(1.0), loss=self._loss)
        model.train_on_batch(self._array(inputs), self._array(targets))
        # Integers, so that the difference is exact.
        return self._list(self._array(weights) - layer.kernel)

    def _loss(self, targets: Any, outputs: Any) -> Any:
        """Half the sum of squares, spread over the batch, of which Keras takes the mean."""
        whole = self._ops.sum(self._ops.square(outputs - targets)) / 2
        # Of a symbolic tensor, as TensorFlow traces the step with, no length can be asked.
        return whole * self._ops.ones_like(targets[:, 0])

    def _dense(self, kernel: Matrix) -> Any:
        layer = self._keras.layers.Dense(len(kernel[0]), use_bias=False)
        layer.build((None, len(kernel)))
        layer.kernel.assign(self._array(kernel))
        return layer

    def _array(self, numbers: Any) -> Any:
        return self._ops.convert_to_tensor(numbers, dtype="float32")

    def _list(self, values: Any) -> Any:
        return self._ops.convert_to_numpy(values).tolist()
