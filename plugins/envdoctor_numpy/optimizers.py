"""The optimisers, each a few sweeps over one vector that holds all parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Dict, List, Tuple, Type

import numpy as np

from envdoctor.child.contract import Unsupported
from envdoctor_numpy.memory import empty, zeros

if TYPE_CHECKING:
    from envdoctor.child import contract
    from envdoctor.child.contract import Array
    from envdoctor_numpy.parameters import Parameters

# Blocks of this many values: an update makes a dozen passes over values, gradients and state,
# and a block of all of them stays in the second-level cache.
_BLOCK = 1 << 15


class Optimizer:
    """An update rule and its state, which starts from zeros.

    Args:
        settings: The optimiser of the job.
        parameters: What to update, from the gradients that are there.
    """

    _STATE: int

    def __init__(self, settings: contract.Optimizer, parameters: Parameters) -> None:
        self._settings = settings
        size, dtype = parameters.values.size, parameters.dtype
        vectors = [parameters.values, parameters.gradients]
        vectors += [zeros(size, dtype) for _ in range(self._STATE)]
        scratch = empty(min(size, _BLOCK), dtype)
        self._blocks: List[Tuple[Array, ...]] = []
        for start in range(0, size, _BLOCK):
            parts = [vector[start : start + _BLOCK] for vector in vectors]
            self._blocks.append((*parts, scratch[: parts[0].size]))

    def update(self) -> None:
        """Take one step with the present gradients."""
        raise NotImplementedError


class Sgd(Optimizer):
    """`v = momentum * v + g; w -= learning_rate * v`, the first v being g."""

    _STATE = 1

    def update(self) -> None:
        """Take one step with momentum."""
        for value, gradient, velocity, scratch in self._blocks:
            np.multiply(velocity, self._settings.momentum, out=velocity)
            np.add(velocity, gradient, out=velocity)
            np.multiply(velocity, self._settings.learning_rate, out=scratch)
            np.subtract(value, scratch, out=value)


class AdamW(Optimizer):
    """AdamW with decoupled decay, its moments kept without their factors (1 - beta).

    With M = m / (1 - beta1), V = v / (1 - beta2) and c = sqrt((1 - beta2) / (1 - beta2**t)),
    m_hat / (sqrt(v_hat) + epsilon) is
    (1 - beta1) / (1 - beta1**t) / c * M / (sqrt(V) + epsilon / c). That takes fewer passes.
    """

    _STATE = 2

    def __init__(self, settings: contract.Optimizer, parameters: Parameters) -> None:
        super().__init__(settings, parameters)
        self._steps = 0

    def update(self) -> None:
        """Take one step with both moments corrected."""
        settings = self._settings
        self._steps += 1
        root = math.sqrt((1 - settings.beta2) / (1 - settings.beta2**self._steps))
        mean = (1 - settings.beta1) / (1 - settings.beta1**self._steps)
        rate = settings.learning_rate * mean / root
        epsilon = settings.epsilon / root
        keep = 1 - settings.learning_rate * settings.weight_decay
        for value, gradient, first, second, scratch in self._blocks:
            np.multiply(first, settings.beta1, out=first)
            np.add(first, gradient, out=first)
            np.multiply(gradient, gradient, out=scratch)
            np.multiply(second, settings.beta2, out=second)
            np.add(second, scratch, out=second)
            np.sqrt(second, out=scratch)
            np.add(scratch, epsilon, out=scratch)
            np.divide(first, scratch, out=scratch)
            np.multiply(scratch, rate, out=scratch)
            np.multiply(value, keep, out=value)
            np.subtract(value, scratch, out=value)


_OPTIMIZERS: Dict[str, Type[Optimizer]] = {"sgd": Sgd, "adamw": AdamW}


def make_optimizer(settings: contract.Optimizer, parameters: Parameters) -> Optimizer:
    """The optimiser of the job, for these parameters."""
    if settings.kind not in _OPTIMIZERS:
        raise Unsupported(f"optimizer {settings.kind} is not available in the numpy backend")
    return _OPTIMIZERS[settings.kind](settings, parameters)
