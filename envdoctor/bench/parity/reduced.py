"""Judges a timed program of reduced precision: TF32, bfloat16 or float16 mixed with float32.

Its rounding hides small differences of semantics, so a row in a reduced precision is first proven
in its strict form, by the same code. The timed program itself is then held to what its rounding
explains: the reference in float64 is asked twice, with exact weights and inputs and with both
rounded to the significant bits of the precision, and the program may lie three times as far from
the former as the latter does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.bench.parity.compare import REFERENCE_FACTOR, relative_error
from envdoctor.bench.parity.evidence import collect
from envdoctor.bench.parity.gate import finite
from envdoctor.model.cell import Certificate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from envdoctor.bench.parity.diagnosis import Side
    from envdoctor.bench.parity.evidence import Evidence, Task

SIGNIFICANT_BITS = {"tf32": 11, "fp16": 11, "bf16": 8}
LOSS_ROUNDINGS = 8.0
"""How many roundings, in the same direction, the first losses may be off by. Seen were 0.6."""
LARGEST_TENSOR_ERROR = 0.5
"""Of a single gradient: rounding turns it a little, and a missing or wrong one is off by 1."""
LEAST_SHARE = 1e-3
"""A gradient with less than this share of the norm of all is compared with that share: sums that
nearly cancel, such as those of an offset before attention, keep few correct bits."""


@dataclass(frozen=True)
class Distance:
    """How far evidence lies from the exact one, relative."""

    output: float
    gradient: float
    """Of all gradients, joined into one vector."""
    tensor: tuple[str, float]
    """The parameter whose own gradient is farthest off."""


def unit(precision: str) -> float:
    """The largest relative error of rounding a number to this precision."""
    return float(2.0 ** -SIGNIFICANT_BITS[precision])


def loss_limit(precision: str) -> float:
    """The largest relative difference of the first losses that rounding explains."""
    return LOSS_ROUNDINGS * unit(precision)


def round_values(values: NDArray[Any], precision: str) -> NDArray[Any]:
    """Floating-point values with the significant bits of a precision; integers as they are."""
    if values.dtype.kind != "f":
        return values
    fractions, exponents = np.frexp(values)
    steps = 2.0 ** SIGNIFICANT_BITS[precision]
    rounded: NDArray[Any] = np.ldexp(np.round(fractions * steps) / steps, exponents)
    return rounded


def certify_reduced(found: Evidence, oracle: Side, task: Task, precision: str) -> Certificate:
    """Judge what a timed program of reduced precision shows of itself.

    Args:
        found: its outputs and gradients at the weights of the task; no training run.
        oracle: the reference in float64.
        task: the same work, without steps.
        precision: that of the program.
    """
    exact = collect(oracle.subject, task, oracle.setting)
    rounded = replace(
        task, weights=_round(task.weights, precision), data=_round(task.data, precision)
    )
    explained = _distance(collect(oracle.subject, rounded, oracle.setting), exact)
    seen = _distance(found, exact)
    return Certificate(
        same_work=not (reason := _reason(seen, explained, precision)),
        tier="Glow",
        output_error=finite(seen.output),
        gradient_error=finite(seen.gradient),
        gradient_name=seen.tensor[0],
        reason=reason,
    )


def _reason(seen: Distance, explained: Distance, precision: str) -> str:
    """Why rounding does not explain a distance; empty if it does."""
    for what, error, rounding in (
        ("outputs", seen.output, explained.output),
        ("gradients", seen.gradient, explained.gradient),
    ):
        limit = REFERENCE_FACTOR * rounding + unit(precision)
        if not error <= limit:
            return (
                f"as it is timed, its {what} differ by {error:.1e}, where rounding to {precision} "
                f"explains {limit:.1e}."
            )
    name, error = seen.tensor
    if not error <= LARGEST_TENSOR_ERROR:
        return f"as it is timed, the gradient of {name} differs by {error:.1e}."
    return ""


def _distance(found: Evidence, exact: Evidence) -> Distance:
    norms = [float(np.linalg.norm(value)) for value in exact.gradients.values()]
    whole = float(np.linalg.norm(norms))
    errors = {
        name: relative_error(found.gradients.get(name), value, LEAST_SHARE * whole)
        for name, value in exact.gradients.items()
    }
    scales = [max(norm, LEAST_SHARE * whole) for norm in norms]
    differences = [error * scale for error, scale in zip(errors.values(), scales, strict=True)]
    return Distance(
        output=relative_error(found.outputs, exact.outputs),
        gradient=float(np.linalg.norm(differences)) / whole if whole else 0.0,
        tensor=max(errors.items(), key=lambda pair: pair[1], default=("", 0.0)),
    )


def _round(values: Mapping[str, NDArray[Any]], precision: str) -> dict[str, NDArray[Any]]:
    return {name: round_values(value, precision) for name, value in values.items()}
