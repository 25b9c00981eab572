"""The optimisers, each one call of a fused update kernel on the flat vector of parameters."""

from __future__ import annotations

from typing import Any, Callable, Dict, Protocol

import numpy as np
import tensorflow as tf

from envdoctor.child import contract


class Optimizer(Protocol):
    """What updates the parameters of a model, inside the compiled step."""

    def apply(self, gradient: Any) -> None:
        """Take one step."""


class Sgd:
    """SGD with momentum; ResourceApplyMomentum has exactly the specified form."""

    def __init__(self, settings: contract.Optimizer, parameters: Any) -> None:
        self._settings = settings
        self._parameters = parameters
        self._velocity = _zeros(parameters)

    def apply(self, gradient: Any) -> None:
        """`v = momentum * v + g; w -= learning_rate * v`."""
        tf.raw_ops.ResourceApplyMomentum(
            var=self._parameters.handle,
            accum=self._velocity.handle,
            lr=tf.constant(self._settings.learning_rate, gradient.dtype),
            grad=gradient,
            momentum=tf.constant(self._settings.momentum, gradient.dtype),
        )


class AdamW:
    """AdamW in the specified form, made from the fused kernel of another form.

    ResourceApplyAdam computes `w -= lr * sqrt(1 - beta2_power) / (1 - beta1_power) * m /
    (sqrt(v) + epsilon)`: it adds epsilon to sqrt(v), and not to sqrt(v_hat). Both epsilon and lr
    are inputs, however, so that `epsilon * sqrt(1 - beta2 ** t)` for the former makes it the
    specified form. The bias corrections are computed in float64 and are part of lr.
    """

    def __init__(self, settings: contract.Optimizer, parameters: Any) -> None:
        self._settings = settings
        self._parameters = parameters
        self._mean = _zeros(parameters)
        self._square = _zeros(parameters)
        # As the kernel sees them: in float32, 1 - 0.999 is off by 1e-5, and the corrections have
        # to be off by the same.
        betas = np.array([settings.beta1, settings.beta2])
        self._betas = betas.astype(parameters.dtype.as_numpy_dtype)
        self._powers = tf.Variable(np.ones(2), dtype=tf.float64, trainable=False)

    def apply(self, gradient: Any) -> None:
        """Take one step: the decay, from the weights before it, then the rest."""
        settings, dtype = self._settings, gradient.dtype
        corrections = 1.0 - self._powers.assign(self._powers * self._betas.astype(np.float64))
        root = tf.sqrt(corrections[1])
        rate = settings.learning_rate * root / corrections[0]
        if settings.weight_decay:
            self._parameters.assign(
                self._parameters * (1.0 - settings.learning_rate * settings.weight_decay)
            )
        tf.raw_ops.ResourceApplyAdam(
            var=self._parameters.handle,
            m=self._mean.handle,
            v=self._square.handle,
            beta1_power=tf.zeros((), dtype),
            beta2_power=tf.zeros((), dtype),
            lr=tf.cast(rate, dtype),
            beta1=tf.constant(self._betas[0]),
            beta2=tf.constant(self._betas[1]),
            epsilon=tf.cast(settings.epsilon * root, dtype),
            grad=gradient,
        )


def _zeros(parameters: Any) -> Any:
    return tf.Variable(tf.zeros_like(parameters), trainable=False)


def make_optimizer(settings: contract.Optimizer, parameters: Any) -> Optimizer:
    """The optimiser of a job; raises Unsupported for an unknown kind."""
    kinds: Dict[str, Callable[[contract.Optimizer, Any], Optimizer]]
    kinds = {"sgd": Sgd, "adamw": AdamW}
    if settings.kind not in kinds:
        raise contract.Unsupported(f"optimizer {settings.kind} is not available")
    return kinds[settings.kind](settings, parameters)
