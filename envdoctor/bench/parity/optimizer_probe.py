"""Which form of an optimiser a backend really uses, from a script of gradients.

One weight, gradients given by the data, and an epsilon so large that its place shows. The oracle
is the documented formula in float64, in plain Python. A trajectory of a real model would not
show it: an Adam in another form moves a loss by 1e-8 to 1e-7.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.bench.parity.evidence import Task
from envdoctor.child.job import Optimizer, Workload
from envdoctor.child.layers import Dense

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from envdoctor.bench.parity.evidence import Subject
    from envdoctor.child.setting import Setting

SCRIPT = (0.01, 0.01, -0.03, 0.02, 0.005)
"""The gradients. They change sign and size, so that momentum forms differ."""
FIRST_WEIGHT = 1.0
ADAMW = Optimizer("adamw", 0.1, beta1=0.9, beta2=0.999, epsilon=0.1, weight_decay=0.05)
SGD = Optimizer("sgd", 0.1, momentum=0.9)
TOLERANCES = {"fp64": 1e-12, "fp32": 1e-6}
SPECIFIED = "as specified"
OTHER = "another form"


@dataclass(frozen=True)
class Verdict:
    """What the probe found."""

    form: str
    """SPECIFIED, the name of the form that reproduces the weights, or OTHER."""
    error: float
    """The largest difference from the specified form over the script."""

    @property
    def conforms(self) -> bool:
        """Whether the optimiser has the specified form."""
        return self.form == SPECIFIED


def probe_task(optimizer: Optimizer) -> Task:
    """A 1-to-1 dense layer without bias, an input of 1 and the script as targets: the loss is
    weight * target, so the gradient of step i is SCRIPT[i].
    """
    ones = np.ones((len(SCRIPT), 1))
    layer = Dense(name="probe", input_shape=(1,), output_shape=(1,), activation="none", bias=False)
    workload = Workload(
        name="optimizer-probe", layers=(layer,), loss="inner_product", batch=1, input_shape=(1,)
    )
    data = {
        "train_inputs": ones,
        "train_targets": np.array(SCRIPT)[:, np.newaxis],
        "test_inputs": ones,
        "test_targets": ones,
        "batches": np.arange(len(SCRIPT), dtype=np.int32)[:, np.newaxis],
    }
    return Task(workload, {"probe.kernel": np.full((1, 1), FIRST_WEIGHT)}, data, optimizer)


def probe(subject: Subject, setting: Setting, optimizer: Optimizer) -> Verdict:
    """Run the script through a subject and name the form of its optimiser."""
    task = probe_task(optimizer)
    subject.build(task.job(setting), task.weights, task.data)
    found = []
    for step in range(len(SCRIPT)):
        subject.steps([step])
        found.append(float(_only(subject.weights()["probe.kernel"])))
    return judge(found, optimizer, TOLERANCES[setting.precision])


def _only(values: NDArray[Any]) -> Any:
    return values.reshape(-1)[0]


def judge(found: Sequence[float], optimizer: Optimizer, tolerance: float) -> Verdict:
    """Name the form that reproduces a series of weights."""
    error = _distance(found, optimizer, FORMS[optimizer.kind][SPECIFIED])
    for name, form in FORMS[optimizer.kind].items():
        if _distance(found, optimizer, form) <= tolerance:
            return Verdict(name, error)
    return Verdict(OTHER, error)


def _distance(found: Sequence[float], optimizer: Optimizer, form: Form) -> float:
    expected = list(form(optimizer))
    return max(abs(a - b) for a, b in zip(found, expected, strict=True))


def _adam(epsilon: str, decay: str) -> Form:
    """AdamW with its epsilon and its decay in a given place."""

    def weights(o: Optimizer) -> Iterator[float]:
        w, m, v = FIRST_WEIGHT, 0.0, 0.0
        for t, scripted in enumerate(SCRIPT, start=1):
            g = scripted + (o.weight_decay * w if decay == "coupled" else 0.0)
            m = o.beta1 * m + (1 - o.beta1) * g
            v = o.beta2 * v + (1 - o.beta2) * g * g
            m_hat, v_hat = m / (1 - o.beta1**t), v / (1 - o.beta2**t)
            update = {
                "outside": m_hat / (sqrt(v_hat) + o.epsilon),
                "hat": m_hat * sqrt(1 - o.beta2**t) / (sqrt(v) + o.epsilon),
                "inside": m_hat / sqrt(v_hat + o.epsilon),
                "uncorrected": m / (sqrt(v) + o.epsilon),
                "default": m_hat / (sqrt(v_hat) + 1e-8),
            }[epsilon]
            decayed = {"decoupled": o.weight_decay * w, "unscaled": o.weight_decay * w}
            w -= o.learning_rate * update
            w -= decayed.get(decay, 0.0) * (1.0 if decay == "unscaled" else o.learning_rate)
            yield w

    return weights


def _momentum(form: str) -> Form:
    """SGD in one of the forms that go by the name of momentum."""

    def weights(o: Optimizer) -> Iterator[float]:
        w, velocity = FIRST_WEIGHT, 0.0
        for t, g in enumerate(SCRIPT):
            share = 1 - o.momentum if form == "dampened" or (form == "late" and t) else 1.0
            velocity = o.momentum * velocity + share * g
            step = {"none": g, "nesterov": g + o.momentum * velocity}.get(form, velocity)
            w -= o.learning_rate * step
            yield w

    return weights


if TYPE_CHECKING:
    Form = Callable[[Optimizer], Iterator[float]]

_EPSILONS = {
    "outside": "",
    "hat": "epsilon-hat (epsilon added before the bias correction, as Keras and TensorFlow do)",
    "inside": "epsilon inside the root",
    "uncorrected": "no bias correction (the default of MLX)",
    "default": "epsilon ignored",
}
_DECAYS = {
    "decoupled": "",
    "coupled": "decay coupled into the gradient (L2)",
    "none": "no weight decay",
    "unscaled": "decay not scaled by the learning rate",
}


def _name(epsilon: str, decay: str) -> str:
    words = [word for word in (_EPSILONS[epsilon], _DECAYS[decay]) if word]
    return ", ".join(words) or SPECIFIED


FORMS: dict[str, dict[str, Form]] = {
    "adamw": {
        _name(epsilon, decay): _adam(epsilon, decay) for epsilon in _EPSILONS for decay in _DECAYS
    },
    "sgd": {
        SPECIFIED: _momentum("plain"),
        "dampening equal to the momentum": _momentum("dampened"),
        "dampening from the second step on": _momentum("late"),
        "Nesterov momentum": _momentum("nesterov"),
        "no momentum": _momentum("none"),
    },
}
