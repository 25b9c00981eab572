"""What Fabric and the Trainer are told of device and precision."""

from __future__ import annotations

from typing import Any, Dict

import torch

PRECISIONS = {torch.float32: "32-true", torch.float64: "64-true"}


def accelerator_options(device: torch.device, dtype: torch.dtype) -> Dict[str, Any]:
    """Arguments for one device, named so that Lightning has nothing left to choose."""
    return {
        "accelerator": device.type,
        "devices": [device.index or 0] if device.type == "cuda" else 1,
        "precision": PRECISIONS[dtype],
    }
