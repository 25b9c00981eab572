"""The optimisers, each one call of a fused update kernel for each variable."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Protocol

import numpy as np
import tensorflow as tf

from envdoctor.child import contract

Tensors = List[Any]


class Optimizer(Protocol):
    """What updates the parameters of a model, inside the compiled step."""

    def apply(self, gradients: Tensors) -> None:
        """Take one step, with the gradient of each variable."""


class Sgd:
    """SGD with momentum; ResourceApplyMomentum has exactly the specified form."""

    def __init__(self, settings: contract.Optimizer, variables: Tensors) -> None:
        self._settings = settings
        self._variables = variables
        self._velocities = _zeros(variables)

    def apply(self, gradients: Tensors) -> None:
        """`v = momentum * v + g; w -= learning_rate * v`."""
        settings = self._settings
        for variable, velocity, gradient in zip(self._variables, self._velocities, gradients):
            tf.raw_ops.ResourceApplyMomentum(
                var=variable.handle,
                accum=velocity.handle,
                lr=tf.constant(settings.learning_rate, gradient.dtype),
                grad=gradient,
                momentum=tf.constant(settings.momentum, gradient.dtype),
            )


class AdamW:
    """AdamW in the specified form, made from the fused kernel of another form.

    ResourceApplyAdam computes `w -= lr * sqrt(1 - beta2_power) / (1 - beta1_power) * m /
    (sqrt(v) + epsilon)`: it adds epsilon to sqrt(v), and not to sqrt(v_hat). Both epsilon and lr
    are inputs, however, so that `epsilon * sqrt(1 - beta2 ** t)` for the former makes it the
    specified form. The bias corrections are computed in float64 and are part of lr.
    """

    def __init__(self, settings: contract.Optimizer, variables: Tensors) -> None:
        self._settings = settings
        self._variables = variables
        self._means = _zeros(variables)
        self._squares = _zeros(variables)
        # As the kernel sees them: in float32, 1 - 0.999 is off by 1e-5, and the corrections have
        # to be off by the same.
        betas = np.array([settings.beta1, settings.beta2])
        self._betas = betas.astype(variables[0].dtype.as_numpy_dtype)
        self._powers = tf.Variable(np.ones(2), dtype=tf.float64, trainable=False)

    def apply(self, gradients: Tensors) -> None:
        """Take one step: the decay, from the weights before it, then the rest."""
        settings, dtype = self._settings, gradients[0].dtype
        corrections = 1.0 - self._powers.assign(self._powers * self._betas.astype(np.float64))
        root = tf.sqrt(corrections[1])
        rate = tf.cast(settings.learning_rate * root / corrections[0], dtype)
        epsilon = tf.cast(settings.epsilon * root, dtype)
        states = zip(self._variables, self._means, self._squares, gradients)
        for variable, mean, square, gradient in states:
            if settings.weight_decay:
                kept = 1.0 - settings.learning_rate * settings.weight_decay
                variable.assign(variable * kept)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=tf.zeros((), dtype),
                beta2_power=tf.zeros((), dtype),
                lr=rate,
                beta1=tf.constant(self._betas[0]),
                beta2=tf.constant(self._betas[1]),
                epsilon=epsilon,
                grad=gradient,
            )


def _zeros(variables: Tensors) -> Tensors:
    return [tf.Variable(tf.zeros_like(variable), trainable=False) for variable in variables]


def make_optimizer(settings: contract.Optimizer, variables: Tensors) -> Optimizer:
    """The optimiser of a job; raises Unsupported for an unknown kind."""
    kinds: Dict[str, Callable[[contract.Optimizer, Tensors], Optimizer]]
    kinds = {"sgd": Sgd, "adamw": AdamW}
    if settings.kind not in kinds:
        raise contract.Unsupported(f"optimizer {settings.kind} is not available")
    return kinds[settings.kind](settings, variables)
