"""Reduced precision: what the device must be able to do, autocast, and the scaling of the loss."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ContextManager, Optional

import torch

from envdoctor.child.contract import Unsupported
from envdoctor.child.layers import Lstm

if TYPE_CHECKING:
    from envdoctor.child.contract import Workload

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
LEAST_CAPABILITY = {"tf32": (8, 0), "bf16": (8, 0), "fp16": (5, 3)}
"""Of NVIDIA GPUs: the first with TF32 and bfloat16 is Ampere; fp16 has arithmetic from 5.3 on."""
FIRST_SCALE = 2.0**12
"""torch's own, 2**16, overflows in the first steps of small networks, which are then left out."""


@dataclass(frozen=True)
class Policy:
    """In which type the forward pass of a model runs, and by what its loss is scaled."""

    device: str = "cpu"
    """Its kind."""
    dtype: Optional[torch.dtype] = None
    """Of autocast; None runs everything in the type of the parameters."""
    scaler: Any = None
    """A `GradScaler` where gradients in 16 bits would vanish: fp16 has few exponents."""

    def autocast(self) -> ContextManager[Any]:
        """A context for the forward pass; outside fp16 and bf16 it does nothing.

        Not an autocast that is switched off: `torch.compile` traces it, and finds nothing in its
        cache of differentiated graphs for a graph that has one.
        """
        return nullcontext() if self.dtype is None else torch.autocast(self.device, self.dtype)

    def outputs(self, outputs: torch.Tensor) -> torch.Tensor:
        """Outputs in the type of the loss."""
        return outputs if self.dtype is None else outputs.float()


STRICT = Policy()


def find_policy(precision: str, device: torch.device) -> Policy:
    """The policy of a precision."""
    scaler = torch.amp.GradScaler(device.type, FIRST_SCALE) if precision == "fp16" else None
    return Policy(device.type, AUTOCAST.get(precision), scaler)


def require_precision(precision: str, device: torch.device) -> None:
    """Raise Unsupported with the reason if a device has not this precision."""
    if precision in ("fp32", "fp64") or (precision, device.type) == ("bf16", "cpu"):
        return
    if device.type != "cuda":
        raise Unsupported(f"{precision} is not for the device {device.type}")
    if torch.version.hip is not None:
        if precision == "tf32":
            raise Unsupported("tf32 needs an NVIDIA GPU")
        return
    have, need = torch.cuda.get_device_capability(device), LEAST_CAPABILITY[precision]
    if have < need:
        raise Unsupported(
            f"{precision} needs an NVIDIA GPU of compute capability {need[0]}.{need[1]} or newer; "
            f"this one has {have[0]}.{have[1]}"
        )


def require_layers(workload: Workload, policy: Policy) -> None:
    """Raise Unsupported if a layer does not run in the type of the policy.

    On the CPU an LSTM under autocast is one operation of oneDNN, which has it in bfloat16 only for
    CPUs with instructions for that; torch has no other, so its users see a RuntimeError.
    """
    layers = [layer for layer in workload.layers if isinstance(layer, Lstm)]
    if policy.dtype is None or policy.device != "cpu" or not layers:
        return
    try:
        with torch.no_grad(), policy.autocast():
            torch.nn.LSTM(2, 2, batch_first=True)(torch.ones(1, 2, 2))
    except RuntimeError as error:
        raise Unsupported(
            f"{layers[0].name}: oneDNN, which computes torch's LSTM on the CPU, has none in "
            f"{policy.dtype} for this CPU"
        ) from error
