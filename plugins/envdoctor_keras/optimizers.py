"""The optimisers, each one of `keras.optimizers`."""

from __future__ import annotations

from typing import Any, Callable, Dict

import keras
from keras import ops

from envdoctor.child import contract

# Under torch, making an AdamW gives a subclass that updates all variables by one call.
_ADAMW: Any = type(keras.optimizers.AdamW())


class AdamW(_ADAMW):
    """Keras's AdamW with epsilon added to the root of the corrected second moment.

    Keras computes `w -= rate * sqrt(1 - beta2 ** t) / (1 - beta1 ** t) * m / (sqrt(v) + epsilon)`,
    with epsilon beside the root of the uncorrected moment. What is specified is the same with
    `epsilon * sqrt(1 - beta2 ** t)` in its place, so this is all that is changed.
    """

    @property
    def epsilon(self) -> Any:
        """Of the step that is being taken."""
        step = ops.cast(self.iterations + 1, keras.config.floatx())
        return self._epsilon * ops.sqrt(1 - ops.power(self.beta_2, step))

    @epsilon.setter
    def epsilon(self, value: float) -> None:
        self._epsilon = value


def _adamw(settings: contract.Optimizer) -> Any:
    return AdamW(
        learning_rate=settings.learning_rate,
        beta_1=settings.beta1,
        beta_2=settings.beta2,
        epsilon=settings.epsilon,
        weight_decay=settings.weight_decay,
    )


def _sgd(settings: contract.Optimizer) -> Any:
    # Keras keeps the rate inside the velocity: at a constant rate, the same.
    return keras.optimizers.SGD(learning_rate=settings.learning_rate, momentum=settings.momentum)


def make_optimizer(settings: contract.Optimizer) -> Any:
    """The optimiser of a job; raises Unsupported for an unknown kind."""
    kinds: Dict[str, Callable[[contract.Optimizer], Any]] = {"sgd": _sgd, "adamw": _adamw}
    if settings.kind not in kinds:
        raise contract.Unsupported(f"optimizer {settings.kind} is not available")
    return kinds[settings.kind](settings)
