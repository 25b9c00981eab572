"""Google's TPU chips: PCI ids, device files, the lock of libtpu and who holds a chip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.detect.pci import DEVICES
from envdoctor.detect.reading import children, device_nodes, exists, read_number
from envdoctor.model.machine import Machine, Tpu

if TYPE_CHECKING:
    from collections.abc import Collection

GOOGLE = 0x1AE0
CHIPS = frozenset({0x0027, 0x0056, 0x005E, 0x0062, 0x0063, 0x006F, 0x0076})
"""Device ids of TPU v2 to TPU7x (jax/_src/hardware_utils.py); Google's network cards have others.
"""
LOCK = "libtpu_lockfile"


def detect(root: Path = Path("/")) -> Machine:
    """The TPU part, if the bus has a chip."""
    return Machine(tpu=read_tpu(root))


def read_tpu(root: Path) -> Tpu | None:
    """The chips and what stands in their way; None without a chip."""
    chips = sum(
        read_number(folder / "vendor") == GOOGLE and read_number(folder / "device") in CHIPS
        for folder in children(root / DEVICES)
    )
    if not chips:
        return None
    paths = [*children(root / "dev", "accel*"), *children(root / "dev/vfio", "[0-9]*")]
    nodes = tuple(device_nodes(paths, root))
    return Tpu(
        chips=chips,
        nodes=nodes,
        lock_file=exists(root / "tmp" / LOCK),
        holder=_holder(root, {node.path for node in nodes}),
    )


def _holder(root: Path, devices: Collection[str]) -> int | None:
    """The first process that has one of the devices open, as far as processes may be seen."""
    for folder in children(root / "proc", "[0-9]*"):
        for link in children(folder / "fd"):
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target in devices:
                return int(folder.name)
    return None
