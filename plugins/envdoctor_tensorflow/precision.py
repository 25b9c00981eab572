"""Reduced precision: what the device must be able to do, and the type that layers compute in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

import tensorflow as tf

from envdoctor.child.contract import Unsupported

if TYPE_CHECKING:
    from envdoctor.child.contract import Setting

COMPUTE = {"bf16": tf.bfloat16, "fp16": tf.float16}
LEAST_CAPABILITY = {"tf32": (8, 0), "bf16": (8, 0), "fp16": (5, 3)}
"""Of NVIDIA GPUs: the first with TF32 and bfloat16 is Ampere; fp16 has arithmetic from 5.3 on."""
FP16_SCALE = 2.0**12
"""Keeps small gradients above the least number of float16, and large ones below the greatest."""


def find_compute(setting: Setting) -> Optional[Any]:
    """The type that layers compute in where the parameters have another; None elsewhere."""
    return COMPUTE.get(setting.precision)


def find_scale(setting: Setting) -> float:
    """What the loss is multiplied by before it is differentiated, and gradients divided by."""
    return FP16_SCALE if setting.precision == "fp16" else 1.0


def require_precision(precision: str, gpu: Optional[Any]) -> None:
    """Raise Unsupported with the reason if the device has not this precision.

    Args:
        precision: of the setting.
        gpu: the physical device; None is the CPU.
    """
    if precision in ("fp32", "fp64") or (precision == "bf16" and gpu is None):
        return
    if gpu is None:
        raise Unsupported(f"{precision} is not for the CPU")
    details: Dict[str, Any] = tf.config.experimental.get_device_details(gpu)
    have = details.get("compute_capability")
    if have is None:  # AMD has none
        if precision == "tf32":
            raise Unsupported("tf32 needs an NVIDIA GPU")
        return
    need = LEAST_CAPABILITY[precision]
    if have < need:
        raise Unsupported(
            f"{precision} needs an NVIDIA GPU of compute capability {need[0]}.{need[1]} or newer; "
            f"this one has {have[0]}.{have[1]}"
        )
