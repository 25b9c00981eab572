"""What the three engines under Keras have in common, and how one is found."""

from __future__ import annotations

import importlib
from typing import Any, Callable, List, Optional, Protocol, Tuple, Type

from envdoctor.child.contract import Array, DeviceMemory, Setting, Unsupported

Batch = Tuple[Any, Any, Any]
"""All inputs, all targets and the rows of one batch, on the device."""

ENGINES = ("tensorflow", "jax", "torch")


class Session(Protocol):
    """One compiled model on one engine."""

    def step(self, batch: Batch) -> Any:
        """Run the train step that Keras made, and return the loss, still on the device."""

    def wait(self) -> None:
        """Return when everything that a step changes is there."""

    def differentiate(self, batch: Batch) -> Tuple[Any, Any, List[Any]]:
        """Loss, outputs and the gradient of each trainable variable, without an update."""

    def evaluate(self, inputs: Any) -> Array:
        """The outputs of the present model."""

    def values(self) -> List[Array]:
        """Copies of the trainable variables."""

    def compilations(self) -> Optional[int]:
        """How many programs the step has compiled; None where nothing is compiled."""


class Engine(Protocol):
    """A module of this package for one engine."""

    Model: Type[Any]
    """A `keras.Model` whose train step gathers its batch, and then is Keras's own."""
    Session: Callable[[Any], Session]

    @staticmethod
    def start(setting: Setting) -> None:
        """Set threads, device and precision, run one operation and wait for it."""

    @staticmethod
    def put(values: Array) -> Any:
        """Values on the device; integers of the type that the engine gathers by."""

    @staticmethod
    def reset_peak() -> None:
        """Let the peak of the memory on the device begin at the present level."""

    @staticmethod
    def device_memory() -> Optional[DeviceMemory]:
        """The peak on the device; None on the host."""

    @staticmethod
    def make_product(size: int) -> Callable[[], None]:
        """A function that multiplies two float32 matrices (size, size) and waits."""


def find_engine(mode: str) -> Any:
    """The module for a mode. Raises Unsupported for a mode that does not exist."""
    if mode not in ENGINES:
        raise Unsupported(f"the Keras backend has no mode {mode}")
    return importlib.import_module(f"envdoctor_keras.{mode}_engine")
