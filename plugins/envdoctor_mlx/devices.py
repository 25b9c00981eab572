"""Devices and precision: everything that is set once for the process."""

from __future__ import annotations

from typing import Optional

import mlx.core as mx
import numpy as np

from envdoctor.child.contract import DeviceMemory, Setting, Unsupported, float_type

GPU_NAMES = ("gpu", "metal", "mps", "cuda")


def prepare(setting: Setting) -> None:
    """Choose the device for the process, then multiply two numbers on it."""
    if setting.mode != "compiled":
        raise Unsupported(f"the MLX backend has no mode {setting.mode}")
    require_float32(setting)
    mx.set_default_device(find_device(setting.device))
    one = mx.ones((1, 1))
    mx.eval(one @ one)


def require_float32(setting: Setting) -> None:
    """Raise Unsupported at any other precision."""
    if float_type(setting) is not np.float32:
        raise Unsupported(
            "MLX's exp, erf and softmax are only as accurate in float64 as they are in float32"
        )


def find_device(name: str) -> mx.Device:
    """The device `cpu`, or `gpu`, `metal` or `cuda` with or without a number.

    Raises Unsupported when this build of MLX, or this machine, has none such.
    """
    kind, _, number = name.partition(":")
    if kind == "cpu":
        return mx.Device(mx.cpu, 0)
    if kind not in GPU_NAMES:
        raise Unsupported(f"the MLX backend has no device {name}")
    if not mx.is_available(mx.gpu):
        raise Unsupported("this MLX finds no GPU that it is built for")
    if kind == "cuda" and mx.metal.is_available():
        raise Unsupported("this MLX is built for Metal and not for CUDA")
    count = mx.device_count(mx.gpu)
    if number and not (number.isdecimal() and int(number) < count):
        raise Unsupported(f"there is no device {name}: MLX sees {count}")
    return mx.Device(mx.gpu, int(number or 0))


def reset_peak() -> None:
    """Let the peak of the memory begin at the present level."""
    mx.reset_peak_memory()


def device_memory() -> Optional[DeviceMemory]:
    """The peak since `reset_peak`; None on the CPU, whose memory is the host's."""
    if mx.default_device().type == mx.cpu:
        return None
    return DeviceMemory(mx.get_peak_memory())
