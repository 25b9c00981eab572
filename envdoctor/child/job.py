"""What a trainer is asked to do: the resolved workload, the optimiser and the setting.

Free of NumPy, so that the core can use these records where it must start fast.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Tuple

from envdoctor.child import layers
from envdoctor.child.setting import Setting

if TYPE_CHECKING:
    from envdoctor.child.layers import Layer, Shape


@dataclass(frozen=True)
class Optimizer:
    """One optimiser, fully specified. All parameters are treated alike, biases included.

    `sgd`: `v = momentum * v + g; w -= learning_rate * v`, the first v being g.
    `adamw`: `m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g * g`, then
    `w -= learning_rate * (m_hat / (sqrt(v_hat) + epsilon) + weight_decay * w)`, with
    `m_hat = m / (1 - beta1 ** t)` and `v_hat = v / (1 - beta2 ** t)`, t counted from 1
    (Loshchilov and Hutter 2019, the form that torch.optim.AdamW documents).
    """

    kind: str
    learning_rate: float
    momentum: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0


@dataclass(frozen=True)
class Workload:
    """A resolved workload: what to build and what to minimise.

    Inputs have shape (batch, *input_shape) and are floating point, or int32 symbols where
    `symbols` says how many there are.

    Losses: `cross_entropy`, the mean over batch (and steps) of the negative log-softmax of the
    outputs at the integer targets; `mean_squared_error`, the mean of (outputs - targets)**2 over
    all elements, targets shaped like the outputs; `inner_product`, the mean over the batch of
    sum(outputs * targets), which scripts the gradient and serves the optimiser probe.
    """

    name: str
    layers: Tuple[Layer, ...]
    loss: str
    batch: int
    input_shape: Shape
    symbols: Optional[int] = None


@dataclass(frozen=True)
class Variation:
    """A deliberate difference, for the reference backend only: see the catalogue of the gate."""

    name: str
    value: float = 0.0


@dataclass(frozen=True)
class Job:
    """Everything that a trainer is built from, beside the weights and the data."""

    workload: Workload
    optimizer: Optimizer
    setting: Setting
    variation: Optional[Variation] = None

    def to_json(self) -> Dict[str, Any]:
        """The job as plain JSON values."""
        value = asdict(self)
        value["workload"]["layers"] = [layers.to_json(layer) for layer in self.workload.layers]
        return value

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Job:
        """The job that `to_json` wrote."""
        workload = dict(value["workload"])
        workload["layers"] = tuple(layers.from_json(layer) for layer in workload["layers"])
        workload["input_shape"] = tuple(workload["input_shape"])
        variation = value["variation"]
        return Job(
            workload=Workload(**workload),
            optimizer=Optimizer(**value["optimizer"]),
            setting=Setting(**value["setting"]),
            variation=None if variation is None else Variation(**variation),
        )
