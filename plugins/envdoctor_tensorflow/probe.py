"""Exercises TensorFlow on one device."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of TensorFlow, or exercise one."""
    exercise(TensorflowExercises, report, device)


class TensorflowExercises:
    """The exercises, eagerly; only the device in question stays visible."""

    def __init__(self) -> None:
        self._tf: Any = importlib.import_module("tensorflow")

    def details(self) -> Dict[str, str]:
        """The version, and what the build says that it was made for."""
        build = dict(self._tf.sysconfig.get_build_info())
        return {
            "version": str(self._tf.__version__),
            "cuda": str(build.get("cuda_version", "")),
            "cudnn": str(build.get("cudnn_version", "")),
        }

    def devices(self) -> List[str]:
        """The CPU and every GPU."""
        gpus = self._tf.config.list_physical_devices("GPU")
        return ["cpu", *(f"gpu:{index}" for index in range(len(gpus)))]

    def why_no_gpu(self) -> str:
        """TensorFlow says it in its log only."""
        return ""

    def use(self, device: str) -> None:
        """Hide every other GPU, and take memory only as it is needed."""
        kind, _, number = device.partition(":")
        found = self._tf.config.list_physical_devices("GPU")
        gpus = [found[int(number or 0)]] if kind == "gpu" else []
        self._tf.config.set_visible_devices(gpus, "GPU")
        for gpu in gpus:
            self._tf.config.experimental.set_memory_growth(gpu, enable=True)
        self._tensor([[1.0]])

    def allocate(self, numbers: int) -> float:
        """The sum of ones on the device."""
        return float(self._tf.reduce_sum(self._tf.ones(numbers, dtype="float32")).numpy())

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """`matmul` in float32."""
        return self._tf.matmul(self._tensor(left), self._tensor(right)).numpy().tolist()

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """`conv2d` of a batch of one image with one channel, channels last."""
        images = self._tensor(image)[None, :, :, None]
        kernels = self._tensor(kernel)[:, :, None, None]
        found = self._tf.nn.conv2d(images, kernels, strides=1, padding="VALID")
        return found.numpy().tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """Two products with a softmax between them."""
        tf = self._tf
        scores = tf.matmul(self._tensor(query), self._tensor(key), transpose_b=True)
        weights = tf.nn.softmax(scores / math.sqrt(len(query[0])))
        return tf.matmul(weights, self._tensor(value)).numpy().tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """By a tape."""
        tf = self._tf
        parameters = tf.Variable(self._tensor(weights))
        with tf.GradientTape() as tape:
            differences = tf.matmul(self._tensor(inputs), parameters) - self._tensor(targets)
            loss = tf.reduce_sum(tf.square(differences)) / 2
        return tape.gradient(loss, parameters).numpy().tolist()

    def _tensor(self, numbers: Any) -> Any:
        return self._tf.constant(numbers, dtype="float32")
