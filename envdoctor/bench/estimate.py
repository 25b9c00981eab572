"""Rough guesses at how long a piece of work takes, to weigh it against the others.

Only their proportions matter: the time left is scaled by how the first pieces really went.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envdoctor.api import Mode
    from envdoctor.workload.prepare import Prepared

START_SECONDS = 3.0
REFERENCE_SECONDS = 0.5
"""Over and above its steps: NumPy starts at once, and its worker is there for all workloads."""
FLOPS_PER_SECOND = 5e10
"""A few cores on small products."""
COMPILE_SECONDS = 4.0
COMPILE_SECONDS_PER_TENSOR = 0.15
STEP_SECONDS = 2e-4
"""Below this a step is all overhead."""


def start_seconds() -> float:
    """To start a worker and import a framework."""
    return START_SECONDS


def steps_seconds(prepared: Prepared, steps: int, *, doubles: bool = False) -> float:
    """To take a number of steps; float64 takes twice as long."""
    flops = prepared.network.training_flops * prepared.workload.batch
    return steps * max(STEP_SECONDS, flops / FLOPS_PER_SECOND) * (2 if doubles else 1)


def compile_seconds(mode: Mode, prepared: Prepared) -> float:
    """To compile a step, which grows with the network."""
    if not mode.compiled:
        return 0.0
    return COMPILE_SECONDS + COMPILE_SECONDS_PER_TENSOR * len(prepared.network.parameters)
