"""Checks the oracle against nothing but its own forward pass: it is hand-written, too."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.bench.parity.evidence import Task, collect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from envdoctor.bench.parity.diagnosis import Side

DIFFERENCE_STEPS = (1e-6, 1e-7, 1e-8)
"""A step that crosses the kink of a ReLU or a maximum is wrong by up to a hundredth; a smaller one
crosses fewer. A wrong gradient is wrong at every step."""
GOOD_ERROR = 1e-6


def finite_difference_error(oracle: Side, task: Task, seed: int) -> float:
    """How far the oracle's gradients lie from a central difference along a random direction."""
    short = replace(task, steps=0)
    gradients = collect(oracle.subject, short, oracle.setting).gradients
    generator = np.random.Generator(np.random.Philox([seed, 3]))
    direction = {name: generator.normal(size=value.shape) for name, value in gradients.items()}
    slope = sum(float(np.vdot(gradients[name], direction[name])) for name in gradients)
    best = inf
    for step in DIFFERENCE_STEPS:
        numeric = _central_difference(oracle, short, direction, step)
        best = min(best, abs(numeric - slope) / abs(slope) if slope else inf)
        if best <= GOOD_ERROR:
            break
    return best


def _central_difference(
    oracle: Side, task: Task, direction: Mapping[str, NDArray[Any]], step: float
) -> float:
    losses = []
    for sign in (1, -1):
        moved = {n: value + sign * step * direction[n] for n, value in task.weights.items()}
        losses.append(collect(oracle.subject, replace(task, weights=moved), oracle.setting).loss)
    return (losses[0] - losses[1]) / (2 * step)
