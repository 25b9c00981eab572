"""Display controllers and accelerators on the PCI bus, from sysfs."""

from __future__ import annotations

from pathlib import Path

from envdoctor.detect.reading import children, number, read_number, read_text
from envdoctor.model.machine import Machine, PciDevice

DEVICES = "sys/bus/pci/devices"
DISPLAY, ACCELERATOR = 0x03, 0x12
"""Base classes of the PCI Code and ID Assignment Specification."""


def detect(root: Path = Path("/")) -> Machine:
    """The devices; none where there is no such bus."""
    found = tuple(read_devices(root))
    intel = tuple(
        f"{each.device:#06x} ({each.driver or 'no driver'})"
        for each in found
        if each.vendor == 0x8086 and each.class_code >> 16 == DISPLAY
    )
    return Machine(pci=found, intel_gpus=intel)


def read_devices(root: Path) -> list[PciDevice]:
    """Devices of the two classes, in the order of their addresses."""
    return [
        _device(folder, class_code)
        for folder in children(root / DEVICES)
        if (class_code := read_number(folder / "class")) is not None
        and class_code >> 16 in {DISPLAY, ACCELERATOR}
    ]


def _device(folder: Path, class_code: int) -> PciDevice:
    node = read_number(folder / "numa_node")
    return PciDevice(
        address=folder.name,
        vendor=read_number(folder / "vendor") or 0,
        device=read_number(folder / "device") or 0,
        class_code=class_code,
        driver=_driver(folder),
        link_width=_width(folder / "current_link_width"),
        max_link_width=_width(folder / "max_link_width"),
        link_speed=_speed(folder / "current_link_speed"),
        max_link_speed=_speed(folder / "max_link_speed"),
        numa_node=node,
    )


def _driver(folder: Path) -> str:
    try:
        return (folder / "driver").resolve(strict=True).name
    except (OSError, RuntimeError):
        return ""


def _width(path: Path) -> int | None:
    """The number of lanes; 0 and 255 are what the kernel writes where the link tells none."""
    lanes = number(read_text(path))
    return None if lanes in {None, 0, 255} else lanes


def _speed(path: Path) -> str:
    """As sysfs writes it, `16.0 GT/s PCIe`; empty if unknown."""
    text = read_text(path)
    return "" if text.startswith("Unknown") else text
