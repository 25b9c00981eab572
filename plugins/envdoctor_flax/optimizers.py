"""The optimisers, each a transformation of Optax; both have the specified form by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict

import optax

if TYPE_CHECKING:
    from envdoctor.child import contract


def sgd(settings: contract.Optimizer) -> optax.GradientTransformation:
    """Descend along a velocity that outlives its gradient."""
    return optax.sgd(settings.learning_rate, momentum=settings.momentum)


def adamw(settings: contract.Optimizer) -> optax.GradientTransformation:
    """Descend along the mean of the gradients over the root of their mean square."""
    return optax.adamw(
        settings.learning_rate,
        b1=settings.beta1,
        b2=settings.beta2,
        eps=settings.epsilon,
        weight_decay=settings.weight_decay,
    )


OPTIMIZERS: Dict[str, Callable[[contract.Optimizer], optax.GradientTransformation]] = {
    "sgd": sgd,
    "adamw": adamw,
}
