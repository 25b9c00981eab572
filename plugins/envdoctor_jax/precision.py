"""Reduced precision: what a device must be able to do, and the policy of mixed computation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional

import jax
import jax.numpy as jnp

from envdoctor.child.contract import Unsupported

if TYPE_CHECKING:
    from envdoctor.child.contract import Setting

MATMUL = {"fp32": "highest", "fp64": "highest", "tf32": "tensorfloat32"}
"""What JAX is told for products of float32; those of 16 bits it takes as they are."""
LEAST_CAPABILITY = {"tf32": (8, 0), "bf16": (8, 0), "fp16": (5, 3)}
"""Of NVIDIA GPUs: the first with TF32 and bfloat16 is Ampere; fp16 has arithmetic from 5.3 on."""
FP16_SCALE = 2.0**12
"""Keeps small gradients above the least number of float16, and large ones below the greatest."""


class Policy(NamedTuple):
    """Parameters and outputs stay in float32; layers compute in `compute`, if it is given."""

    compute: Any = None
    scale: Optional[float] = None
    """The loss is multiplied by this before it is differentiated, and gradients divided."""

    def lower(self, tree: Any) -> Any:
        """Every floating-point array of a tree in the type that layers compute in."""
        if self.compute is None:
            return tree

        def cast(x: jax.Array) -> jax.Array:
            return x.astype(self.compute) if jnp.issubdtype(x.dtype, jnp.floating) else x

        return jax.tree.map(cast, tree)

    def widen(self, outputs: jax.Array) -> jax.Array:
        """Outputs in the type of the loss."""
        return outputs if self.compute is None else outputs.astype(jnp.float32)


POLICIES = {"bf16": Policy(jnp.bfloat16), "fp16": Policy(jnp.float16, FP16_SCALE)}
STRICT = Policy()


def find_policy(setting: Setting) -> Policy:
    """The policy of a precision."""
    return POLICIES.get(setting.precision, STRICT)


def require_precision(setting: Setting, device: jax.Device) -> None:
    """Raise Unsupported with the reason if a device has not this precision."""
    precision = setting.precision
    if precision in ("fp32", "fp64") or (precision == "bf16" and device.platform in ("cpu", "tpu")):
        return
    if device.platform not in ("gpu", "cuda", "rocm"):
        raise Unsupported(f"{precision} is not for the device {device.platform}")
    capability = str(getattr(device, "compute_capability", ""))
    if "." not in capability:  # AMD names an architecture
        if precision == "tf32":
            raise Unsupported("tf32 needs an NVIDIA GPU")
        return
    need = LEAST_CAPABILITY[precision]
    if tuple(int(part) for part in capability.split(".")) < need:
        raise Unsupported(
            f"{precision} needs an NVIDIA GPU of compute capability {need[0]}.{need[1]} or newer; "
            f"this one has {capability}"
        )
