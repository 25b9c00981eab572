"""Devices and precision: everything that is set once for the process."""

from __future__ import annotations

from typing import Optional

import numpy as np
import paddle

from envdoctor.child.contract import DeviceMemory, Setting, Unsupported, float_type

MODES = ("dynamic", "static")
DTYPE = "float32"


def prepare(setting: Setting) -> None:
    """Choose device and type for the process, then multiply two numbers."""
    if setting.mode not in MODES:
        raise Unsupported(f"the paddle backend has no mode {setting.mode}")
    use(setting)
    one = paddle.ones([1, 1])
    paddle.matmul(one, one)
    wait(setting.device)


def use(setting: Setting) -> None:
    """Let everything that is made from now on lie on the device, in float32.

    Raises Unsupported at another precision, and when this Paddle cannot use the device.
    """
    if float_type(setting) is not np.float32:
        raise Unsupported(
            "paddle has float64, but takes the epsilon of a layer norm and the momentum of SGD as "
            "float32 numbers, which is too coarse for a proof in float64"
        )
    paddle.set_device(_find_device(setting.device))
    paddle.set_default_dtype(DTYPE)


def wait(device: str) -> None:
    """Return when the device has finished what it was given."""
    # On the CPU an operation has finished when its call returns.
    if device != "cpu":
        paddle.device.synchronize()


def reset_peak(device: str) -> None:
    """Let the peak of the memory on the device begin at the present level."""
    if device != "cpu":
        paddle.device.cuda.reset_max_memory_allocated()
        paddle.device.cuda.reset_max_memory_reserved()


def device_memory(device: str) -> Optional[DeviceMemory]:
    """The peak since `reset_peak`; None on the host."""
    if device == "cpu":
        return None
    return DeviceMemory(
        allocated_bytes=paddle.device.cuda.max_memory_allocated(),
        reserved_bytes=paddle.device.cuda.max_memory_reserved(),
    )


def _find_device(name: str) -> str:
    """Paddle's name of the device `cpu`, or `cuda` or `gpu` with or without a number."""
    kind, _, number = name.partition(":")
    if kind == "cpu":
        return "cpu"
    if kind not in ("cuda", "gpu"):
        raise Unsupported(f"the paddle backend has no device {name}")
    if not paddle.device.is_compiled_with_cuda():
        raise Unsupported("this paddle is built without GPU support")
    count = paddle.device.cuda.device_count()
    if not count:
        raise Unsupported("paddle finds no usable GPU")
    if number and not (number.isdecimal() and int(number) < count):
        raise Unsupported(f"there is no device {name}: paddle sees {count}")
    return f"gpu:{number or 0}"
