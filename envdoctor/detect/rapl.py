"""Energy of the processor packages: RAPL counters, as Linux shows them under powercap.

Intel and AMD processors alike appear as `intel-rapl:N`. What the packages hold (cores, graphics)
is part of their count; DRAM is not, and `psys`, the whole board, would count packages twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

POWERCAP = Path("/sys/class/powercap")
CPUINFO = Path("/proc/cpuinfo")
JOULE_PER_COUNT = 1e-6
ROOT_ONLY = "not readable: energy_uj is root-only"
"""Since Linux 5.10, because the counters betray what a processor computes (CVE-2020-8694)."""

HIDDEN = "not readable: powercap names no processor package here"
"""As in containers that hide what lies behind its links."""


@dataclass(frozen=True)
class Package:
    """The energy counter of one processor package."""

    counter: Path
    range_microjoules: int
    """After this the counter starts again from 0."""

    def read_microjoules(self) -> int | None:
        """The counter now; None where it cannot be read."""
        return _number(self.counter)


def find_packages(
    powercap: Path = POWERCAP, cpuinfo: Path = CPUINFO
) -> tuple[tuple[Package, ...], str]:
    """The packages with a readable counter, or none and the reason.

    All or none: the energy of a part of the packages is nobody's energy.
    """
    zones = sorted(powercap.glob("intel-rapl:*"))
    folders = [zone for zone in zones if _text(zone / "name").startswith("package")]
    if not folders:
        return (), HIDDEN if zones else f"no powercap {_where(cpuinfo)}"
    packages = []
    for folder in folders:
        counter, span = folder / "energy_uj", _number(folder / "max_energy_range_uj")
        if _number(counter) is None:
            return (), ROOT_ONLY if _forbidden(counter) else f"not readable: {counter}"
        if not span:
            return (), f"not readable: {folder / 'max_energy_range_uj'}"
        packages.append(Package(counter, span))
    return tuple(packages), ""


def spent_joules(packages: Sequence[Package], before: Sequence[int], after: Sequence[int]) -> float:
    """The energy between two readings of all packages.

    A counter that starts again in between is put right, once: at 300 W the smallest range in use,
    65 kJ, lasts for three and a half minutes, so the readings must be nearer than that.
    """
    return JOULE_PER_COUNT * sum(
        (last - first) % package.range_microjoules
        for package, first, last in zip(packages, before, after, strict=True)
    )


def _where(cpuinfo: Path) -> str:
    # The bit that the architecture keeps for hypervisors to show themselves by.
    flags = [line for line in _text(cpuinfo).splitlines() if line.startswith("flags")]
    return "in this VM" if flags and "hypervisor" in flags[0].split() else "on this machine"


def _forbidden(path: Path) -> bool:
    try:
        path.read_bytes()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isascii() and text.isdecimal() else None


def _text(path: Path) -> str:
    """The content; empty where there is none to be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
