"""From the name of a device to the device."""

from __future__ import annotations

import jax

from envdoctor.child.contract import Unsupported


def find_device(name: str) -> jax.Device:
    """The device `platform` or `platform:number`. Raises Unsupported if JAX has none such."""
    platform, _, number = name.partition(":")
    try:
        devices = jax.local_devices(backend=platform)
    except RuntimeError as error:
        present = sorted({device.platform for device in jax.local_devices()} | {"cpu"})
        reason = f"this JAX has no device {platform}, only {', '.join(present)}"
        raise Unsupported(reason + _failure(error)) from error
    if number and not (number.isdecimal() and int(number) < len(devices)):
        raise Unsupported(f"there is no device {name}: JAX sees {len(devices)} of {platform}")
    return devices[int(number or 0)]


def _failure(error: RuntimeError) -> str:
    """What went wrong where the platform's plugin is there and does not start; else empty."""
    first, *_ = str(error).splitlines() or [""]
    return f": {first[:200]}" if "failed to initialize" in first else ""
