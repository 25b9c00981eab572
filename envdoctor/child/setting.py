"""How a trainer is to run.

Apart from the rest of a job, because plugins name it where the doctor loads them too, which has no
use for layers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """How to run: the mode that the backend declared, the precision, the device, the CPU budget.

    Precisions are `fp32` (strict: no TF32, no reduced-precision accumulation), `fp64`, and the
    reduced ones, whose parameters, optimiser state and loss stay float32: `tf32` (the operands of
    products are rounded to 11 significant bits), `bf16` and `fp16` (mixed: the layers compute in 16
    bits, as a framework's autocast or policy does; with `fp16` the loss is scaled).
    """

    mode: str
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1
