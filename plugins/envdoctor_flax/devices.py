"""From the name of a device to the device, and what its allocator says."""

from __future__ import annotations

from typing import Optional

import jax

from envdoctor.child.contract import DeviceMemory, Unsupported


def find_device(name: str) -> jax.Device:
    """The device `platform` or `platform:number`. Raises Unsupported if JAX has none such."""
    platform, _, number = name.partition(":")
    try:
        devices = jax.local_devices(backend=platform)
    except RuntimeError as error:
        raise Unsupported(f"this JAX has no device {platform}") from error
    if number and not (number.isdecimal() and int(number) < len(devices)):
        raise Unsupported(f"there is no device {name}: JAX sees {len(devices)} of {platform}")
    return devices[int(number or 0)]


def device_memory(device: jax.Device) -> Optional[DeviceMemory]:
    """The peak of the process, where the device has an allocator of its own."""
    try:
        stats = device.memory_stats()
    except RuntimeError:  # NotImplementedError is one too
        return None
    if not stats or "peak_bytes_in_use" not in stats:
        return None
    return DeviceMemory(stats["peak_bytes_in_use"], stats.get("peak_pool_bytes"))
