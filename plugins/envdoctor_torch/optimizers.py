"""The optimisers, in the fastest form that torch has for the device."""

from __future__ import annotations

from typing import Callable, Dict, List

from torch import nn
from torch.optim import SGD, AdamW
from torch.optim import Optimizer as TorchOptimizer

from envdoctor.child.contract import Optimizer, Unsupported

Parameters = List[nn.Parameter]


def build_sgd(parameters: Parameters, optimizer: Optimizer, **form: bool) -> TorchOptimizer:
    """SGD with momentum, without dampening; the first velocity is the gradient."""
    return SGD(parameters, lr=optimizer.learning_rate, momentum=optimizer.momentum, **form)


def build_adamw(parameters: Parameters, optimizer: Optimizer, **form: bool) -> TorchOptimizer:
    """AdamW with decoupled weight decay, epsilon outside the root."""
    return AdamW(
        parameters,
        lr=optimizer.learning_rate,
        betas=(optimizer.beta1, optimizer.beta2),
        eps=optimizer.epsilon,
        weight_decay=optimizer.weight_decay,
        **form,
    )


OPTIMIZERS: Dict[str, Callable[..., TorchOptimizer]] = {"sgd": build_sgd, "adamw": build_adamw}


def build_optimizer(parameters: Parameters, optimizer: Optimizer) -> TorchOptimizer:
    """The optimiser of the job, fused where this torch can and multi-tensor elsewhere."""
    if optimizer.kind not in OPTIMIZERS:
        raise Unsupported(f"the torch backend has no optimiser {optimizer.kind}")
    build = OPTIMIZERS[optimizer.kind]
    try:
        return build(parameters, optimizer, fused=True)
    except (RuntimeError, TypeError):
        # Older releases refuse the device (before 2.4 the CPU), or do not know the argument.
        return build(parameters, optimizer, foreach=True)
