"""Devices and compilers: everything that is looked at once for the process."""

from __future__ import annotations

import os
import shutil

import numpy as np
from tinygrad import Device, Tensor

from envdoctor.child.contract import Setting, Unsupported, float_type

NAMES = {"cpu": "CPU", "cuda": "CUDA", "mps": "METAL"}
"""tinygrad's names of the devices that users ask for."""


def find_device(setting: Setting) -> str:
    """The device of the setting, as tinygrad names it. Raises Unsupported when it has none."""
    kind, _, number = setting.device.partition(":")
    if kind not in NAMES:
        raise Unsupported(f"the tinygrad backend has no device {setting.device}")
    if kind == "cpu":
        require_compiler()
    if kind == "mps" and setting.precision == "fp64":
        raise Unsupported("Metal has no fp64")
    return Device.canonicalize(f"{NAMES[kind]}:{number}" if number else NAMES[kind])


def require_compiler() -> None:
    """Raise Unsupported where the CPU device of tinygrad would find no compiler."""
    compiler = os.environ.get("CC") or "clang"
    if shutil.which(compiler) is None:
        raise Unsupported(
            f"tinygrad compiles for the CPU with clang, and there is no {compiler} on the path: "
            "install clang, or name one in the variable CC"
        )


def prepare(setting: Setting) -> None:
    """Multiply two numbers on the device, which compiles a first kernel, and wait for it."""
    if setting.mode != "jit":
        raise Unsupported(f"the tinygrad backend has no mode {setting.mode}")
    device = find_device(setting)
    one = np.ones((1, 1), float_type(setting))
    try:
        tensor = Tensor(one, device=device).realize()
        (tensor @ tensor).realize()
        wait(device)
    except Exception as error:
        # Drivers and compilers are loaded here, and each says in its own way that it is not there.
        words = str(error).partition("\n")[0] or type(error).__name__
        raise Unsupported(f"tinygrad cannot use the device {device}: {words}") from error


def wait(device: str) -> None:
    """Return when the device has finished what it was given."""
    Device[device].synchronize()
