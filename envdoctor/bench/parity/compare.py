"""Compares two pieces of evidence and judges the differences by the tiers."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from envdoctor.bench.parity.evidence import Evidence

NEGLIGIBLE = 1e-8
"""A gradient whose norm is below this share of all gradients' norm is compared with that share:
some are zero but for rounding, and the ratio of two roundings says nothing."""


@dataclass(frozen=True)
class Tier:
    """The largest relative differences that equal work shows at a precision."""

    name: str
    output: float
    gradient: float
    loss: float
    loss_steps: int
    """How many steps of the trajectory are compared."""


G64 = Tier("G64", output=1e-12, gradient=1e-12, loss=1e-10, loss_steps=20)
"""Exact maths: equal work differs by 1e-16 to 1e-15, any change of semantics by 1e-8 or more."""
G32 = Tier("G32", output=1e-5, gradient=1e-4, loss=1e-4, loss_steps=10)
"""Strict float32: rounding alone makes 1e-7 to 1e-6, and long trajectories drift apart."""
TIERS = {"fp64": G64, "fp32": G32}

REFERENCE_FACTOR = 3.0
REFERENCE_SLACK = 1e-6


@dataclass(frozen=True)
class Comparison:
    """How far evidence lies from the oracle's; relative, infinite where there is no number."""

    output_error: float
    gradient_errors: Mapping[str, float]
    """By parameter, in description order."""
    loss_error: float

    @property
    def worst_gradient(self) -> tuple[str, float]:
        """The parameter whose gradient differs most."""
        return max(self.gradient_errors.items(), key=lambda pair: pair[1], default=("", 0.0))

    def meets(self, tier: Tier) -> bool:
        """Whether all differences stay within a tier."""
        return (
            self.output_error <= tier.output
            and self.worst_gradient[1] <= tier.gradient
            and self.loss_error <= tier.loss
        )


def compare(found: Evidence, oracle: Evidence, tier: Tier) -> Comparison:
    """Compare with the oracle, on as much of the trajectory as the tier reaches."""
    norms = {name: float(np.linalg.norm(value)) for name, value in oracle.gradients.items()}
    floor = NEGLIGIBLE * float(np.linalg.norm(list(norms.values())))
    return Comparison(
        output_error=relative_error(found.outputs, oracle.outputs),
        gradient_errors={
            name: relative_error(found.gradients.get(name), value, floor)
            for name, value in oracle.gradients.items()
        },
        loss_error=max(
            loss_error([found.loss], [oracle.loss]),
            loss_error(found.losses[: tier.loss_steps], oracle.losses[: tier.loss_steps]),
        ),
    )


def relative_error(found: NDArray[Any] | None, oracle: NDArray[Any], floor: float = 0.0) -> float:
    """||found - oracle|| / max(||oracle||, floor); infinite for another shape or no number."""
    if found is None or found.shape != oracle.shape:
        return inf
    difference = float(np.linalg.norm(np.subtract(found, oracle, dtype=np.float64)))
    scale = max(float(np.linalg.norm(oracle.astype(np.float64))), floor)
    if not isfinite(difference):
        return inf
    if difference == 0:
        return 0.0
    return difference / scale if scale else inf


def loss_error(found: Sequence[float], oracle: Sequence[float]) -> float:
    """The largest relative difference of two series of losses."""
    if len(found) < len(oracle):
        return inf
    errors = [
        abs(a - b) / max(abs(b), NEGLIGIBLE) if isfinite(a) else inf
        for a, b in zip(found, oracle, strict=False)
    ]
    return max(errors, default=0.0)


def as_near_as(found: Comparison, reference: Comparison, tier: Tier) -> bool:
    """Whether float32 evidence lies as near to float64 as the reference's own float32, or nearer
    than the tier demands.
    """
    return (
        _near(found.output_error, reference.output_error, tier.output)
        and _near(found.worst_gradient[1], reference.worst_gradient[1], tier.gradient)
        and _near(found.loss_error, reference.loss_error, tier.loss)
    )


def _near(error: float, reference_error: float, limit: float) -> bool:
    return error <= limit or error <= REFERENCE_FACTOR * reference_error + REFERENCE_SLACK


def within_reference(error: float, reference_error: float, tier: Tier) -> bool:
    """Whether a float32 trajectory is as near to float64 as the reference's own float32 is.

    Long float32 trajectories drift, in one framework as between two: so a loss is judged by the
    tier, or else by no more than three times the reference's distance.
    """
    return _near(error, reference_error, tier.loss)
