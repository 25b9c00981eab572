"""Devices, threads and precision: everything that is set once for the process."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from typing import Any, Optional

import numpy as np
import torch

from envdoctor.child.contract import DeviceMemory, Setting, Unsupported, master_type
from envdoctor_torch.precision import require_precision

DTYPES = {np.float32: torch.float32, np.float64: torch.float64}
COMPILERS = {"darwin": "clang++", "win32": "cl"}

# The first that traces torch.func.functional_call inside torch.compile by default.
LEAST_COMPILING = "2.5"


def find_device(setting: Setting) -> torch.device:
    """The device of the setting. Raises Unsupported when this torch cannot use it."""
    try:
        device = torch.device(setting.device)
    except RuntimeError as error:
        raise Unsupported(f"device {setting.device} is unknown to torch") from error
    if device.type == "cuda":
        _require_cuda(device)
        # With its number, or `set_device` refuses it.
        device = torch.device("cuda", device.index or 0)
    elif device.type == "mps":
        _require_mps(setting)
    elif device.type != "cpu":
        raise Unsupported(f"the torch backend has no device {setting.device}")
    return device


def dtype_of(setting: Setting) -> torch.dtype:
    """The torch type of the parameters at this precision."""
    return DTYPES[master_type(setting)]


def prepare(setting: Setting) -> None:
    """Set threads and precision, then multiply two numbers on the device."""
    if setting.mode not in ("eager", "compile"):
        raise Unsupported(f"the torch backend has no mode {setting.mode}")
    device, dtype = find_device(setting), dtype_of(setting)
    require_precision(setting.precision, device)
    if setting.mode == "compile":
        _require_compiler(device)
    # Before the first parallel operation, because a thread inherits the flag from its creator.
    torch.set_flush_denormal(dtype is torch.float32)
    torch.set_num_threads(setting.threads)
    tf32 = setting.precision == "tf32"
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    if device.type == "cuda":
        torch.cuda.set_device(device)
        # All shapes stay the same, for which PyTorch's guide to tuning says so.
        torch.backends.cudnn.benchmark = True
    one = torch.ones((1, 1), dtype=dtype, device=device)
    torch.matmul(one, one)
    wait(device)
    # The first optimiser imports it, in whatever mode: time and memory of that are torch's own, and
    # not those of the first model.
    importlib.import_module("torch._dynamo")


def wait(device: torch.device) -> None:
    """Return when the device has finished what it was given."""
    # On the CPU an operation has finished when its call returns.
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def reset_peak(device: torch.device) -> None:
    """Let the peak of the memory on the device begin at the present level.

    What earlier models of this process have freed goes back to the device: it is not reserved for
    the one that comes.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def device_memory(device: torch.device) -> Optional[DeviceMemory]:
    """The peak since `reset_peak`; None on the host, and on MPS, which counts no peak."""
    if device.type != "cuda":
        return None
    return DeviceMemory(
        allocated_bytes=torch.cuda.max_memory_allocated(device),
        reserved_bytes=torch.cuda.max_memory_reserved(device),
    )


def _require_cuda(device: torch.device) -> None:
    if not torch.cuda.is_available():
        built = torch.version.cuda or torch.version.hip
        raise Unsupported(
            "torch finds no usable GPU" if built else "this torch is built without GPU support"
        )
    count = torch.cuda.device_count()
    if (device.index or 0) >= count:
        raise Unsupported(f"there is no GPU {device.index}: torch sees {count}")


def _require_mps(setting: Setting) -> None:
    mps: Any = getattr(torch.backends, "mps", None)
    if mps is None or not mps.is_available():
        raise Unsupported("this torch cannot use Metal")
    if setting.precision == "fp64":
        raise Unsupported("Metal has no fp64")


def _require_compiler(device: torch.device) -> None:
    if torch.__version__ < LEAST_COMPILING:
        raise Unsupported(
            f"mode compile needs torch {LEAST_COMPILING}: older compile no torch.func"
        )
    if device.type != "cpu":
        return
    compiler = os.environ.get("CXX") or COMPILERS.get(sys.platform, "g++")
    if shutil.which(compiler) is None:
        raise Unsupported(f"torch.compile needs a C++ compiler on the CPU; {compiler} is not here")
