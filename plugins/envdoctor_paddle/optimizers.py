"""The optimisers of paddle.optimizer; both have the specified form."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from paddle import optimizer as paddle_optimizers

from envdoctor.child.contract import Optimizer, Unsupported

Parameters = List[Any]


def build_sgd(parameters: Parameters, optimizer: Optimizer) -> Any:
    """SGD with momentum, without dampening; the first velocity is the gradient."""
    return paddle_optimizers.Momentum(
        optimizer.learning_rate, momentum=optimizer.momentum, parameters=parameters
    )


def build_adamw(parameters: Parameters, optimizer: Optimizer) -> Any:
    """AdamW with decoupled weight decay, epsilon outside the root."""
    return paddle_optimizers.AdamW(
        optimizer.learning_rate,
        beta1=optimizer.beta1,
        beta2=optimizer.beta2,
        epsilon=optimizer.epsilon,
        parameters=parameters,
        weight_decay=optimizer.weight_decay,
    )


OPTIMIZERS: Dict[str, Callable[[Parameters, Optimizer], Any]] = {
    "sgd": build_sgd,
    "adamw": build_adamw,
}


def build_optimizer(parameters: Parameters, optimizer: Optimizer) -> Any:
    """The optimiser of the job. Raises Unsupported when there is none of its kind."""
    if optimizer.kind not in OPTIMIZERS:
        raise Unsupported(f"the paddle backend has no optimiser {optimizer.kind}")
    return OPTIMIZERS[optimizer.kind](parameters, optimizer)
