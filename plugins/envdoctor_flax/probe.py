"""Exercises the parts of Flax on one device."""

from __future__ import annotations

import importlib
import os
from importlib import metadata
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from envdoctor.child.exercises import Report, exercise

if TYPE_CHECKING:
    from envdoctor.child.references import Matrix


def probe(report: Report, device: Optional[str]) -> None:
    """List the devices of JAX, or exercise Flax on one."""
    if device == "cpu":
        # Otherwise every backend is initialised, and one that fails takes the CPU with it.
        os.environ["JAX_PLATFORMS"] = "cpu"
    exercise(FlaxExercises, report, device)


class FlaxExercises:
    """The exercises, by modules of NNX where there is one."""

    def __init__(self) -> None:
        self._jax: Any = importlib.import_module("jax")
        self._numpy: Any = importlib.import_module("jax.numpy")
        self._nnx: Any = importlib.import_module("flax.nnx")

    def details(self) -> Dict[str, str]:
        """The versions of the parts."""
        parts = {name: metadata.version(name) for name in ("jax", "jaxlib", "optax")}
        return {"version": metadata.version("flax"), **parts}

    def devices(self) -> List[str]:
        """The CPU, and every device of the default backend."""
        found = [f"{each.platform}:{each.id}" for each in self._jax.local_devices()]
        return ["cpu", *(each for each in found if not each.startswith("cpu"))]

    def why_no_gpu(self) -> str:
        """What asking for a GPU says; without being asked JAX falls back to the CPU."""
        try:
            self._jax.local_devices(backend="gpu")
        except Exception as error:  # noqa: BLE001
            return f"{type(error).__name__}: {error}"
        return ""

    def use(self, device: str) -> None:
        """Place everything on this device."""
        platform, _, number = device.partition(":")
        found = self._jax.local_devices(backend=platform)
        chosen = next(each for each in found if not number or each.id == int(number))
        self._jax.config.update("jax_default_device", chosen)
        self._jax.config.update("jax_default_matmul_precision", "highest")

    def allocate(self, numbers: int) -> float:
        """The sum of a parameter of ones."""
        return float(self._nnx.Param(self._numpy.ones(numbers, dtype="float32"))[...].sum())

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """A linear layer whose kernel is the right matrix."""
        return self._linear(right)(self._array(left)).tolist()

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """A convolution of one channel, channels last."""
        size = (len(kernel), len(kernel[0]))
        layer = self._nnx.Conv(1, 1, size, padding="VALID", use_bias=False, rngs=self._nnx.Rngs(0))
        layer.kernel.set_value(self._array(kernel)[:, :, None, None])
        return layer(self._array(image)[None, :, :, None])[0, :, :, 0].tolist()

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """The attention function of Flax with one head."""
        # Shaped (batch, steps, heads, width), with one head.
        operands = [self._array(each)[None, :, None, :] for each in (query, key, value)]
        return self._nnx.dot_product_attention(*operands)[0, :, 0].tolist()

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """The gradient of the kernel of a linear layer."""
        given, wanted = self._array(inputs), self._array(targets)

        def loss(layer: Any) -> Any:
            return ((layer(given) - wanted) ** 2).sum() / 2

        return self._nnx.grad(loss)(self._linear(weights)).kernel[...].tolist()

    def _linear(self, kernel: Matrix) -> Any:
        shape = (len(kernel), len(kernel[0]))
        layer = self._nnx.Linear(*shape, use_bias=False, rngs=self._nnx.Rngs(0))
        layer.kernel.set_value(self._array(kernel))
        return layer

    def _array(self, numbers: Any) -> Any:
        return self._numpy.array(numbers, dtype="float32")
