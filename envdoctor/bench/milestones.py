"""At which steps of the training plan a row's loss is kept, and at which it is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envdoctor.workload.prepare import Prepared

LOSSES = (40, 20, 10)
"""Points of a curve: forty show its course and weigh little in a file of many rows.

Each number divides the one before, so that the points of all rows lie on those of the slowest.
"""
SHORTEST_CHUNK_SECONDS = 0.003
"""Between two points, or a curve has fewer, because a wait empties the queue of a framework that
dispatches ahead. Steps of JAX take no longer in blocks of 3 ms than in blocks of 70 ms."""
EVALUATIONS = (10, 5, 2, 1)
"""Of the model in all, the last one after the plan; each number divides all numbers of points."""
EVALUATION_SHARE = 0.1
"""Of the training, which all evaluations but the last may cost together."""
FORWARD_SHARE = 1 / 3
"""Of the operations of a training step: the backward pass takes twice those of the forward one."""


def loss_steps(steps: int, step_seconds: float) -> tuple[int, ...]:
    """The steps after which the loss is kept, with the first and the last of the plan.

    Args:
        steps: of the plan.
        step_seconds: about what one takes; rows of very short ones get fewer points.
    """
    long = (n for n in LOSSES if steps / n * step_seconds >= SHORTEST_CHUNK_SECONDS)
    return tuple(sorted({1, *_spaced(steps, next(long, LOSSES[-1]))}))


def evaluation_steps(prepared: Prepared) -> frozenset[int]:
    """The steps of a plan, but for the last, after which the model is evaluated; often none.

    They follow from counts of samples, never from times, so they are the same for all rows. From
    made-up data nothing can be learnt, so there is nothing to evaluate.
    """
    samples = prepared.samples
    if samples.synthetic:
        return frozenset()
    allowed = EVALUATION_SHARE * prepared.steps * prepared.workload.batch
    cost = FORWARD_SHARE * len(samples.test_targets)
    count = next(n for n in EVALUATIONS if (n - 1) * cost <= allowed)
    return frozenset(_spaced(prepared.steps, count)) - {prepared.steps}


def _spaced(steps: int, count: int) -> set[int]:
    """About so many steps at equal distances, the last one of the plan among them."""
    return {-(-steps * turn // count) for turn in range(1, count + 1)}
