"""The optimisers.

From `mindspore.experimental.optim`, which graph and PyNative mode share: the AdamW of it corrects
the bias of the means, as specified, while `nn.AdamWeightDecay` does not.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

from mindspore.experimental import optim

from envdoctor.child.contract import Optimizer, Unsupported


def build_sgd(parameters: Any, optimizer: Optimizer) -> Any:
    """SGD with momentum, without dampening; the first velocity is the gradient."""
    return optim.SGD(parameters, lr=optimizer.learning_rate, momentum=optimizer.momentum)


def build_adamw(parameters: Any, optimizer: Optimizer) -> Any:
    """AdamW with decoupled weight decay, epsilon outside the root."""
    return optim.AdamW(
        parameters,
        lr=optimizer.learning_rate,
        betas=(optimizer.beta1, optimizer.beta2),
        eps=optimizer.epsilon,
        weight_decay=optimizer.weight_decay,
    )


OPTIMIZERS: Dict[str, Callable[[Any, Optimizer], Any]] = {"sgd": build_sgd, "adamw": build_adamw}


def build_optimizer(parameters: Any, optimizer: Optimizer) -> Any:
    """The optimiser of the job. Raises Unsupported when there is none."""
    if optimizer.kind not in OPTIMIZERS:
        raise Unsupported(f"the mindspore backend has no optimiser {optimizer.kind}")
    return OPTIMIZERS[optimizer.kind](parameters, optimizer)
