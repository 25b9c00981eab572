"""The optimisers of mlx.optimizers, in the specified form."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict

import mlx.core as mx
from mlx import optimizers

from envdoctor.child.contract import Optimizer, Unsupported


class AdamW(optimizers.AdamW):
    """AdamW with decoupled weight decay, epsilon outside the root, and bias correction.

    MLX corrects the bias only if it is told to, and then takes `1 - beta ** step` in float32, which
    loses five of seven digits in the first steps. Here no digit is lost.
    """

    def apply_gradients(self, gradients: Any, parameters: Any) -> Any:
        """All parameters after the update."""
        # Once a step: within the update of a parameter, a fused kernel takes them for each element.
        step = self.step + 1
        self._scale = self.learning_rate / _share(self.betas[0], step)
        self._spread = mx.rsqrt(_share(self.betas[1], step))
        return super().apply_gradients(gradients, parameters)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: Any) -> mx.array:
        """One parameter after the update; its moments are left in `state`."""
        beta1, beta2 = self.betas
        mean = state["m"] = beta1 * state["m"] + (1 - beta1) * gradient
        square = state["v"] = beta2 * state["v"] + (1 - beta2) * mx.square(gradient)
        slope = self._scale * mean / (mx.sqrt(square) * self._spread + self.eps)
        return parameter - (slope + self.learning_rate * self.weight_decay * parameter)


def _share(beta: float, step: mx.array) -> mx.array:
    """`1 - beta ** step`, a scalar, without cancellation."""
    exponent = math.log(beta) if beta else -math.inf
    return -mx.expm1(step.astype(mx.float32) * exponent)


def build_sgd(optimizer: Optimizer) -> optimizers.Optimizer:
    """SGD with momentum, without dampening; the first velocity is the gradient."""
    return optimizers.SGD(optimizer.learning_rate, momentum=optimizer.momentum)


def build_adamw(optimizer: Optimizer) -> optimizers.Optimizer:
    """AdamW as specified."""
    return AdamW(
        optimizer.learning_rate,
        betas=[optimizer.beta1, optimizer.beta2],
        eps=optimizer.epsilon,
        weight_decay=optimizer.weight_decay,
    )


OPTIMIZERS: Dict[str, Callable[[Optimizer], optimizers.Optimizer]] = {
    "sgd": build_sgd,
    "adamw": build_adamw,
}


def build_optimizer(optimizer: Optimizer) -> optimizers.Optimizer:
    """The optimiser of the job. Raises Unsupported when there is none of its kind."""
    if optimizer.kind not in OPTIMIZERS:
        raise Unsupported(f"the MLX backend has no optimiser {optimizer.kind}")
    return OPTIMIZERS[optimizer.kind](optimizer)
