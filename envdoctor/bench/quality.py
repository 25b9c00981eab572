"""The quality of a trained model on the test data, from its outputs."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from envdoctor.bench.metrics import confusion_of, cross_entropy, metrics_of
from envdoctor.model.cell import Metric, Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envdoctor.model.run import QualityGate


def assess(
    outputs: NDArray[Any], targets: NDArray[Any], loss: str, gate: QualityGate | None
) -> Quality:
    """Metric with its standard error, the loss, and what else the task has.

    Args:
        outputs: (samples, classes), (samples, steps, symbols) or (samples, 1).
        targets: labels of the shape of the outputs less the last axis, or values of their shape.
        loss: the name of the loss, which tells classes from numbers.
        gate: what must be reached, if anything.
    """
    outputs = outputs.astype(np.float64)
    if loss == "cross_entropy":
        metric, right = "accuracy", outputs.argmax(axis=-1) == targets
        value = float(right.mean())
        error = _share_error(int(right.sum()), right.size)
        mean_loss = cross_entropy(outputs, targets)
        count = right.size
    else:
        metric, absolute = "mean_absolute_error", np.abs(outputs - targets)
        value = float(absolute.mean())
        error = float(absolute.std() / sqrt(absolute.size))
        mean_loss = float(((outputs - targets) ** 2).mean())
        count = absolute.size
    return Quality(
        metric=metric,
        value=value,
        standard_error=error,
        samples=count,
        loss=mean_loss,
        reached=None if gate is None else _reached(value, gate),
        metrics=metrics_of(outputs, targets, loss),
        confusion=confusion_of(outputs, targets, loss),
    )


def compare_with_training(test: Quality, outputs: NDArray[Any], targets: NDArray[Any]) -> Quality:
    """The quality on the test data with what the same model reaches on the data it learnt from.

    The gap between the two is what it learnt by heart: positive where the training data fare
    better.

    Args:
        test: the quality on the test data.
        outputs: of the training data.
        targets: of the training data.
    """
    classes = test.metric == "accuracy"
    if classes:
        value = float((outputs.argmax(axis=-1) == targets).mean())
    else:
        value = float(np.abs(outputs.astype(np.float64) - targets).mean())
    found = (
        Metric(name=f"train_{test.metric}", value=value),
        Metric(name="gap", value=value - test.value if classes else test.value - value),
    )
    return structs.replace(test, metrics=(*test.metrics, *found))


def _reached(value: float, gate: QualityGate) -> bool:
    above = gate.at_least is None or value >= gate.at_least
    below = gate.at_most is None or value <= gate.at_most
    return above and below


def _share_error(right: int, count: int) -> float:
    """The standard error of a share, which is not zero even where all or none are right.

    Two successes and two failures are added to those seen (Agresti and Coull 1998). The
    predictions for a text depend on each other, so for texts it is a lower bound.
    """
    share = (right + 2) / (count + 4)
    return sqrt(share * (1 - share) / (count + 4))
