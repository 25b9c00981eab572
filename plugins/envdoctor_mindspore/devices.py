"""Device, threads and mode: everything that is set once for the process."""

from __future__ import annotations

import contextlib
from typing import Optional

import mindspore
import numpy as np
from mindspore import ops

from envdoctor.child.contract import DeviceMemory, Setting, Unsupported, float_type

TARGETS = {"cpu": "CPU", "cuda": "GPU", "npu": "Ascend"}
"""MindSpore's names of the devices that users ask for."""
MODES = ("graph", "pynative")


def prepare(setting: Setting) -> None:
    """Set device and threads, then multiply two numbers on the device and wait for it."""
    if setting.mode not in MODES:
        raise Unsupported(f"the mindspore backend has no mode {setting.mode}")
    if float_type(setting) is not np.float32:
        raise Unsupported("MindSpore has no float64 convolution, LSTM or loss on the CPU")
    _choose(setting)
    # Outside of what `jit` compiles, everything runs at once in both modes.
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    one = mindspore.Tensor(np.ones((1, 1), np.float32))
    # A MindSpore that was built for NumPy 1 fails beside NumPy 2 in the first operator that is
    # looked up by the types of its operands, with the error of an import, and in no later one.
    with contextlib.suppress(SystemError):
        one * one
    ops.matmul(one, one)
    wait()


def wait() -> None:
    """Return when the device has finished what it was given."""
    mindspore.runtime.synchronize()


def device_memory(setting: Setting) -> Optional[DeviceMemory]:
    """The peak of MindSpore's allocator on an accelerator; None on the host."""
    if setting.device == "cpu":
        return None
    return DeviceMemory(
        allocated_bytes=mindspore.runtime.max_memory_allocated(),
        reserved_bytes=mindspore.runtime.max_memory_reserved(),
    )


def _choose(setting: Setting) -> None:
    kind, _, number = setting.device.partition(":")
    if kind not in TARGETS:
        raise Unsupported(f"the mindspore backend has no device {setting.device}")
    try:
        mindspore.set_device(TARGETS[kind], int(number or 0))
    except (RuntimeError, ValueError) as error:
        words = str(error).strip().partition("\n")[0]
        raise Unsupported(f"this MindSpore cannot use {TARGETS[kind]}: {words}") from error
    if kind == "cpu":
        # Else its kernels share a pool of thirty threads, whatever the machine has.
        mindspore.device_context.cpu.op_tuning.threads_num(setting.threads)
