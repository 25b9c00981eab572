"""Measures of quality beyond the one of the gate, from the outputs of a trained model.

All of them are macro averages: every class counts alike, however many samples it has. One that is
not defined, for a class that does not occur, has a reason and no value.
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.model.cell import Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MOST_CLASSES = 50
"""Beyond, a confusion matrix is a picture, not a table."""
LARGEST_EXPONENT = 700.0
"""The exponential of more has no float64."""


def metrics_of(outputs: NDArray[Any], targets: NDArray[Any], loss: str) -> tuple[Metric, ...]:
    """All measures that a task has, beside accuracy or mean absolute error.

    Args:
        outputs: (samples, classes), (samples, steps, symbols) or (samples, 1).
        targets: labels of the shape of the outputs less the last axis, or values of their shape.
        loss: the name of the loss, which tells classes from numbers.
    """
    outputs = outputs.astype(np.float64)
    if loss != "cross_entropy":
        return (_r2(outputs, targets),)
    if outputs.ndim > 2:
        return (_perplexity(cross_entropy(outputs, targets)),)
    confusion = confusion_matrix(outputs.argmax(axis=-1), targets, outputs.shape[-1])
    return (*_rates(confusion), _roc_auc(outputs, targets))


def confusion_matrix(
    predicted: NDArray[Any], targets: NDArray[Any], classes: int
) -> NDArray[np.int64]:
    """How often which class (row) was taken for which (column): (classes, classes)."""
    counts = np.bincount(targets * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def confusion_of(
    outputs: NDArray[Any], targets: NDArray[Any], loss: str
) -> tuple[tuple[int, ...], ...]:
    """The confusion matrix as a record keeps it; empty where there is none, or none of use."""
    if loss != "cross_entropy" or outputs.ndim > 2 or outputs.shape[-1] > MOST_CLASSES:
        return ()
    found = confusion_matrix(outputs.argmax(axis=-1), targets, outputs.shape[-1])
    return tuple(tuple(int(count) for count in row) for row in found)


def cross_entropy(outputs: NDArray[Any], targets: NDArray[Any]) -> float:
    """The mean negative log-softmax of the outputs at the targets."""
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    scores = np.take_along_axis(shifted, targets[..., np.newaxis], axis=-1)[..., 0]
    return float((np.log(np.exp(shifted).sum(axis=-1)) - scores).mean())


def _rates(confusion: NDArray[np.int64]) -> tuple[Metric, ...]:
    right = np.diagonal(confusion)
    predicted, present = confusion.sum(axis=0), confusion.sum(axis=1)
    return (
        _mean("precision", right, predicted, lambda name: f"class {name} was never predicted"),
        _mean("recall", right, present, lambda name: f"class {name} does not occur"),
        _mean(
            "f1",
            2 * right,
            predicted + present,
            lambda name: f"class {name} neither occurs nor was predicted",
        ),
    )


def _mean(
    name: str, parts: NDArray[np.int64], wholes: NDArray[np.int64], why: Callable[[int], str]
) -> Metric:
    """The mean over classes of a share; undefined where a class has no whole."""
    empty = np.flatnonzero(wholes == 0)
    if empty.size:
        return Metric(name=name, reason=f"{why(int(empty[0]))}.")
    return Metric(name=name, value=float((parts / wholes).mean()))


def _roc_auc(outputs: NDArray[Any], targets: NDArray[Any]) -> Metric:
    """The chance that a sample of a class has a higher probability of it than one of another.

    One class against the rest, then the mean over classes; equal probabilities count half.
    """
    shifted = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=-1, keepdims=True)
    areas = []
    for label in range(outputs.shape[-1]):
        own = targets == label
        count = int(own.sum())
        if count in (0, len(own)):
            kind = "does not occur" if count == 0 else "is the only one that occurs"
            return Metric(name="roc_auc", reason=f"class {label} {kind}.")
        ranks = _ranks(probabilities[:, label])
        smallest = count * (count + 1) / 2  # the sum of ranks if it always had the lowest
        areas.append((ranks[own].sum() - smallest) / (count * (len(own) - count)))
    return Metric(name="roc_auc", value=float(np.mean(areas)))


def _ranks(values: NDArray[Any]) -> NDArray[Any]:
    """Ranks from 1; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[Any] = (last - (counts - 1) / 2)[places]
    return ranks


def _perplexity(loss: float) -> Metric:
    """How many symbols, all equally likely, would be as hard to guess."""
    if not loss <= LARGEST_EXPONENT:
        return Metric(name="perplexity", reason=f"it is beyond any number: the loss is {loss:.3g}.")
    return Metric(name="perplexity", value=exp(loss))


def _r2(outputs: NDArray[Any], targets: NDArray[Any]) -> Metric:
    """The share of the targets' variance that the outputs explain; below 0, worse than the mean."""
    total = float(((targets - targets.mean(axis=0)) ** 2).sum())
    if total == 0:
        return Metric(name="r2", reason="all targets are equal, so there is nothing to explain.")
    return Metric(name="r2", value=1 - float(((outputs - targets) ** 2).sum()) / total)
