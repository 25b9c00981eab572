"""The optimisers of tinygrad, which have the specified forms."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from tinygrad import Tensor, dtypes
from tinygrad.nn.optim import SGD, AdamW

from envdoctor.child.contract import Optimizer, Unsupported

Parameters = List[Tensor]


def build_sgd(parameters: Parameters, optimizer: Optimizer) -> Any:
    """SGD with momentum; the first velocity is the gradient."""
    return SGD(parameters, lr=optimizer.learning_rate, momentum=optimizer.momentum)


def build_adamw(parameters: Parameters, optimizer: Optimizer) -> Any:
    """AdamW with decoupled weight decay, epsilon outside the root."""
    made: Any = AdamW(
        parameters,
        lr=optimizer.learning_rate,
        b1=optimizer.beta1,
        b2=optimizer.beta2,
        eps=optimizer.epsilon,
        weight_decay=optimizer.weight_decay,
    )
    if parameters[0].dtype == dtypes.float64:
        # tinygrad keeps the powers of the betas in float32 whatever the parameters are.
        made.b1_t, made.b2_t = (each.cast(dtypes.float64) for each in (made.b1_t, made.b2_t))
    return made


OPTIMIZERS: Dict[str, Callable[[Parameters, Optimizer], Any]] = {
    "sgd": build_sgd,
    "adamw": build_adamw,
}


def build_optimizer(parameters: Parameters, optimizer: Optimizer) -> Any:
    """The optimiser of the job, with its state on the device."""
    if optimizer.kind not in OPTIMIZERS:
        raise Unsupported(f"the tinygrad backend has no optimiser {optimizer.kind}")
    made = OPTIMIZERS[optimizer.kind](parameters, optimizer)
    state = [each for each in vars(made).values() if isinstance(each, Tensor)]
    moments = [
        each for values in vars(made).values() if isinstance(values, list) for each in values
    ]
    Tensor.realize(*state, *(each for each in moments if isinstance(each, Tensor)))
    return made
