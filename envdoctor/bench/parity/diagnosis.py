"""Why a row failed: the first layer that differs, and the known difference that reproduces it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, isfinite, log
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.bench.parity.catalogue import CATALOGUE, Difference
from envdoctor.bench.parity.compare import Comparison, Tier, compare, relative_error
from envdoctor.bench.parity.evidence import Evidence, Task, collect
from envdoctor.child.job import Variation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from envdoctor.bench.parity.evidence import Subject
    from envdoctor.child.job import Workload
    from envdoctor.child.setting import Setting

FIT_STEPS = 12
FIT_STRIDE = 1e-3
"""The step of the finite difference by which a value is fitted."""


@dataclass(frozen=True)
class Side:
    """A subject with the setting that it runs in."""

    subject: Subject
    setting: Setting


def explain(comparison: Comparison, tier: Tier, layer: str) -> str:
    """What differs, where and by how much, in one sentence."""
    name, gradient_error = comparison.worst_gradient
    if not isfinite(comparison.output_error):
        return "the outputs are not numbers, or have another shape."
    if comparison.output_error > tier.output:
        where = f" from layer `{layer}` on" if layer else ""
        return (
            f"outputs differ by {comparison.output_error:.1e}{where}; "
            f"worst gradient `{name}` by {gradient_error:.1e}."
        )
    if gradient_error > tier.gradient:
        wrong = [e for e in comparison.gradient_errors.values() if e > tier.gradient]
        size = f"by {gradient_error:.1e}" if isfinite(gradient_error) else "altogether"
        return (
            f"outputs agree, but {len(wrong)} of {len(comparison.gradient_errors)} gradients do "
            f"not: `{name}` differs {size}."
        )
    return f"outputs and gradients agree, but the loss departs by {comparison.loss_error:.1e}."


def find_cause(found: Evidence, oracle: Side, task: Task, tier: Tier) -> str:
    """The sentence of the difference that reproduces the evidence; empty if none does."""
    short = replace(task, steps=0)
    found = _complete(found, task)
    for difference in CATALOGUE:
        for value in difference.values(task.workload):
            if _reproduces(_vary(oracle, short, difference, value), found, tier):
                return _sentence(difference, value, task.workload)
    for difference in CATALOGUE:
        if difference.fit_from is not None and difference.values(task.workload):
            fitted = _fit(found, oracle, short, difference)
            if fitted is None:
                continue
            if _reproduces(_vary(oracle, short, difference, fitted), found, tier):
                return _sentence(difference, fitted, task.workload)
    return ""


def _complete(found: Evidence, task: Task) -> Evidence:
    """The same evidence, with zeros for the gradients of parameters that the subject lacks."""
    absent = {n: np.zeros_like(v) for n, v in task.weights.items() if n not in found.gradients}
    return replace(found, gradients={**found.gradients, **absent})


def _vary(oracle: Side, task: Task, difference: Difference, value: float) -> Evidence:
    return collect(oracle.subject, task, oracle.setting, Variation(difference.name, value))


def _reproduces(tried: Evidence, found: Evidence, tier: Tier) -> bool:
    # Fitted values are not exact to the last bit, so in float64 a hundredfold of the tier is
    # allowed; the differences that are looked for are larger by orders of magnitude. The loss is
    # left out: a subject may report another number than it differentiates.
    slack = 100 if tier.name == "G64" else 1
    limits = replace(tier, output=slack * tier.output, gradient=slack * tier.gradient)
    # A subject that uses a part of a batch may show outputs for all of it.
    shown = replace(found, losses=(), outputs=found.outputs[: len(tried.outputs)])
    return replace(compare(shown, tried, limits), loss_error=0.0).meets(limits)


def _sentence(difference: Difference, value: float, workload: Workload) -> str:
    index = int(value) if 0 <= value < len(workload.layers) else 0
    return difference.sentence.format(
        value=value, number=index + 1, layer=workload.layers[index].name
    )


def _fit(found: Evidence, oracle: Side, task: Task, difference: Difference) -> float | None:
    """The value that brings the oracle nearest to the evidence, by Gauss-Newton in one unknown."""
    start = difference.fit_from
    assert start is not None
    to_value: Callable[[float], float] = exp if difference.logarithmic else float
    unknown = log(start) if difference.logarithmic else start
    target = _vector(found)
    for _ in range(FIT_STEPS):
        at = _vector(_vary(oracle, task, difference, to_value(unknown)))
        if at.shape != target.shape:
            return None
        beside = _vector(_vary(oracle, task, difference, to_value(unknown + FIT_STRIDE)))
        slope = (beside - at) / FIT_STRIDE
        length = float(slope @ slope)
        if not isfinite(length) or length == 0:
            return None
        move = float(slope @ (target - at)) / length
        unknown += max(-2.0, min(2.0, move))
        if abs(move) < 1e-13 * max(1.0, abs(unknown)):
            break
    return to_value(unknown)


def _vector(evidence: Evidence) -> NDArray[Any]:
    """Outputs and gradients in one vector, each part of length about one."""
    parts = [evidence.outputs, *(evidence.gradients[name] for name in sorted(evidence.gradients))]
    scaled = [part.ravel() / (np.linalg.norm(part) or 1.0) for part in parts[:1]]
    largest = max((float(np.linalg.norm(part)) for part in parts[1:]), default=1.0) or 1.0
    scaled += [part.ravel() / largest for part in parts[1:]]
    return np.concatenate(scaled).astype(np.float64)


def first_differing_layer(suspect: Side, oracle: Side, task: Task, tier: Tier) -> str:
    """The first layer whose outputs differ, by building ever longer beginnings of the network."""
    layers = task.workload.layers
    names = set(task.weights)
    trained = [any(name.startswith(f"{layer.name}.") for name in names) for layer in layers]
    low, high = trained.index(True), len(layers) - 1
    while low < high:
        middle = (low + high) // 2
        if _outputs_agree(suspect, oracle, beginning(task, middle + 1), tier):
            low = middle + 1
        else:
            high = middle
    return layers[low].name


def beginning(task: Task, count: int) -> Task:
    """The first layers of a task's network, with a loss that fits whatever they yield."""
    layers = task.workload.layers[:count]
    prefixes = tuple(f"{layer.name}." for layer in layers)
    rows = len(task.data["train_inputs"])
    targets = np.zeros((rows, *layers[-1].output_shape))
    data = {**task.data, "train_targets": targets, "test_targets": targets[:1]}
    data["test_inputs"] = task.data["train_inputs"][:1]
    return Task(
        workload=replace(task.workload, layers=layers, loss="inner_product"),
        weights={n: value for n, value in task.weights.items() if n.startswith(prefixes)},
        data=data,
        optimizer=task.optimizer,
        steps=0,
    )


def _outputs_agree(suspect: Side, oracle: Side, task: Task, tier: Tier) -> bool:
    found = collect(suspect.subject, task, suspect.setting)
    expected = collect(oracle.subject, task, oracle.setting)
    return relative_error(found.outputs, expected.outputs) <= tier.output
