"""The forward and backward pass of a step: eager, in one compiled graph, or compiled in parts.

Each takes all inputs, all targets and the rows of a batch, leaves the gradients with the
parameters of the model, and returns the loss and the outputs. Neither need be detached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value

from envdoctor.child.layers import Lstm
from envdoctor_torch.precision import STRICT, Policy
from envdoctor_torch.statistics import has_statistics

if TYPE_CHECKING:
    from envdoctor.child.contract import Workload
    from envdoctor_torch.losses import Loss

Pass = Callable[[Tensor, Tensor, Tensor], Tuple[Tensor, Tensor]]


def build_eager_pass(model: nn.Module, loss: Loss, policy: Policy = STRICT) -> Pass:
    """The modules as they are, and autograd."""
    if policy.dtype is None:
        objective = _build_plain_objective(model, loss)
    else:
        objective = _build_objective(model, loss, policy)
    return _by_backward(model, objective, policy)


def build_compiled_pass(
    model: nn.Module, loss: Loss, workload: Workload, policy: Policy = STRICT
) -> Pass:
    """The gather of the batch, forward and backward pass, by `torch.compile`; compiles when run.

    `torch.func` differentiates inside the compiled function, so that one graph holds it all: small
    networks run faster so than with a compiled forward pass and `backward()`, which has a second
    graph behind autograd. But by default `torch.compile` does not trace `nn.LSTM`, and a transform
    of `torch.func` cannot be interrupted: there the parts around the LSTM are compiled, and
    `backward()` differentiates. So it does where the loss is scaled, by a factor that changes, and
    where there are batch norms: a transform may not renew their running statistics in place.
    """
    # What earlier trainers of this process compiled would count against a limit of programs.
    torch.compiler.reset()
    interrupted = any(isinstance(layer, Lstm) for layer in workload.layers)
    if interrupted or policy.scaler is not None or has_statistics(workload):
        objective = torch.compile(_build_objective(model, loss, policy), dynamic=False)
        return _by_backward(model, objective, policy)
    return _as_one_graph(model, loss, policy)


def _as_one_graph(model: nn.Module, loss: Loss, policy: Policy) -> Pass:
    parameters = {name: each for name, each in model.named_parameters() if each.requires_grad}
    # These share the memory of the parameters, which the optimiser updates in place.
    weights = {name: parameter.detach() for name, parameter in parameters.items()}

    def objective(
        weights: Dict[str, Tensor], inputs: Tensor, targets: Tensor, rows: Tensor
    ) -> Tuple[Tensor, Tensor]:
        with policy.autocast():
            outputs = functional_call(model, weights, (inputs.index_select(0, rows),))
        outputs = policy.outputs(outputs)
        return loss(outputs, targets.index_select(0, rows)), outputs

    # A code object of its own: by it torch tells the programs of several trainers apart.
    objective.__code__ = objective.__code__.replace()
    # One graph or an error, never a part that silently runs eagerly.
    differentiate: Any = torch.compile(
        grad_and_value(objective, has_aux=True),
        dynamic=False,
        fullgraph=True,
        options=_no_guards_on_modules(),
    )

    def run(inputs: Tensor, targets: Tensor, rows: Tensor) -> Tuple[Tensor, Tensor]:
        gradients, (value, outputs) = differentiate(weights, inputs, targets, rows)
        for name, parameter in parameters.items():
            parameter.grad = gradients[name]
        return value, outputs

    return run


def _no_guards_on_modules() -> Optional[Dict[str, Any]]:
    """The option that keeps a program from looking through the modules at each call.

    It looks for changes, for 5 % of a step of mlp-tiny. Nobody makes any to the modules of a
    trainer, except that an evaluation, which runs them uncompiled, turns `training` off and on
    again between two calls. None where this torch has no such option.
    """
    skip = getattr(torch.compiler, "skip_guard_on_all_nn_modules_unsafe", None)
    return None if skip is None else {"guard_filter_fn": skip}


def _build_plain_objective(model: nn.Module, loss: Loss) -> Pass:
    """Without a context that does nothing, and with outputs that are still in the graph.

    Both together would be 1.5 % of a step of mlp-tiny.
    """

    def objective(inputs: Tensor, targets: Tensor, rows: Tensor) -> Tuple[Tensor, Tensor]:
        outputs = model(inputs.index_select(0, rows))
        return loss(outputs, targets.index_select(0, rows)), outputs

    return objective


def _build_objective(model: nn.Module, loss: Loss, policy: Policy) -> Pass:
    def objective(inputs: Tensor, targets: Tensor, rows: Tensor) -> Tuple[Tensor, Tensor]:
        with policy.autocast():
            outputs = model(inputs.index_select(0, rows))
        outputs = policy.outputs(outputs)
        # Detached, or a compiled backward pass would add a gradient of zeros for the outputs.
        return loss(outputs, targets.index_select(0, rows)), outputs.detach()

    return objective


def _by_backward(model: nn.Module, objective: Pass, policy: Policy) -> Pass:
    parameters = list(model.parameters())

    def run(inputs: Tensor, targets: Tensor, rows: Tensor) -> Tuple[Tensor, Tensor]:
        value, outputs = objective(inputs, targets, rows)
        for parameter in parameters:
            parameter.grad = None
        # The optimiser's step undoes the scaling.
        (value if policy.scaler is None else policy.scaler.scale(value)).backward()
        return value, outputs

    return run
