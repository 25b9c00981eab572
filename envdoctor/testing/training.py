"""What the trainer does with weights, gradients, losses and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envdoctor.bench.parity.compare import G32, loss_error, within_reference
from envdoctor.bench.parity.evidence import full_data, parity_task
from envdoctor.testing.verdict import require

if TYPE_CHECKING:
    from envdoctor.testing.subject import Subject

MOST_STEPS = 66
FALL = 0.9
"""Of the first losses, under which the last ones must lie: all shipped plans do far better."""
REPEAT_TOLERANCE = 1e-4
"""Parallel sums may come in another order, and steps carry that on."""
ORDER_RELATIVE, ORDER_ABSOLUTE = 1e-4, 1e-6


def weights_are_kept(subject: Subject) -> str:
    """Built from disturbed weights, it hands back every one of them, rounded to float32."""
    task = parity_task(subject.home())
    worker = subject.worker
    worker.build(task.job(subject.setting), task.weights, task.data)
    found = worker.weights()
    missing = sorted(set(task.weights) ^ set(found))
    require(not missing, f"the names differ: {', '.join(missing)}")
    for name, value in task.weights.items():
        same = np.array_equal(found[name], value.astype(np.float32))
        require(same, f"`{name}` comes out with other values than it went in with")
    return f"{len(found)} parameters"


def differentiating_is_pure(subject: Subject) -> str:
    """Twice in a row it finds the same, and the weights are those from before."""
    task = parity_task(subject.home())
    worker = subject.worker
    worker.build(task.job(subject.setting), task.weights, task.data)
    worker.steps([0, 1])
    before = worker.weights()
    first, second = worker.differentiate(2), worker.differentiate(2)
    require(first[0] == second[0], f"the loss is {first[0]:.9g}, then {second[0]:.9g}")
    after = worker.weights()
    for name, value in before.items():
        require(np.array_equal(value, after[name]), f"`{name}` is changed by it")
    return "loss and weights are the same after it"


def precision_is_kept(subject: Subject) -> str:
    """Outputs and gradients are float32 where float32 was asked for."""
    task = parity_task(subject.home())
    worker = subject.worker
    worker.build(task.job(subject.setting), task.weights, task.data)
    _, outputs, gradients = worker.differentiate(0)
    for name, value in {"outputs": outputs, **gradients}.items():
        require(value.dtype == np.float32, f"`{name}` is {value.dtype}, not float32")
    return "float32"


def repeats(subject: Subject) -> str:
    """The plan as it is timed: the reference's losses, then lower ones, the same again.

    The second time there is an evaluation on the way, which must change nothing.
    """
    prepared = subject.home()
    expected = subject.ground.expected(prepared.name)
    steps = min(MOST_STEPS, prepared.steps)
    _, first = subject.build(prepared).steps(range(steps))
    worker = subject.build(prepared)
    _, second = worker.steps(range(steps // 2))
    worker.evaluate("test")
    second += worker.steps(range(steps // 2, steps))[1]
    error = loss_error(first[: len(expected.timed_losses)], expected.timed_losses)
    same = within_reference(error, expected.timed_reference_error, G32)
    require(same, f"the first losses of {prepared.name} are off by {error:.1e}")
    begin, end = np.mean(first[:5]), np.mean(first[-steps // 3 :])
    require(end < FALL * begin, f"the loss does not fall: {begin:.3g}, then {end:.3g}")
    again = loss_error(second, first)
    told = f"a second training, with an evaluation on the way, departs by {again:.1e}"
    require(again <= REPEAT_TOLERANCE, told)
    return f"{prepared.name}: {begin:.3g} to {end:.3g} in {steps} steps"


def outputs_cover_all(subject: Subject) -> str:
    """Each output belongs to its own sample, though the last piece may overlap its neighbour."""
    prepared = subject.home()
    data = full_data(prepared)
    wanted = (len(data["test_inputs"]), *prepared.workload.layers[-1].output_shape)
    outputs, _ = subject.build(prepared, data=data).evaluate("test")
    require(outputs.shape == wanted, f"outputs have the shape {outputs.shape}, not {wanted}")
    turned = {**data, "test_inputs": np.ascontiguousarray(data["test_inputs"][::-1])}
    again, _ = subject.build(prepared, data=turned).evaluate("test")
    same = np.allclose(again[::-1], outputs, rtol=ORDER_RELATIVE, atol=ORDER_ABSOLUTE)
    require(same, "the same samples in another order have other outputs")
    return f"{wanted[0]} samples"
