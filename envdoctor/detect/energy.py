"""The energy counter of a device: RAPL for the processor, NVML's for an NVIDIA GPU."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envdoctor.detect.nvml import open_gpu
from envdoctor.detect.rapl import CPUINFO, POWERCAP, find_packages, spent_joules
from envdoctor.errors import IncompleteError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envdoctor.detect.nvml import Gpu
    from envdoctor.detect.rapl import Package


class BoardCounter:
    """The energy of a whole GPU board."""

    source = "NVML board sensor"

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu

    def joules(self) -> float:
        """Energy since the driver was loaded. Raises IncompleteError once it cannot be read."""
        state = self._gpu.read()
        if state.energy_joules is None:
            raise _lost(state.reasons["energy_joules"])
        return state.energy_joules

    def celsius(self) -> float | None:
        """The temperature of the GPU; None where it is not told."""
        return self._gpu.read().temperature_celsius

    def close(self) -> None:
        """Let go of the GPU."""
        self._gpu.close()


class PackageCounter:
    """The energy of all processor packages, added up over the restarts of their counters."""

    source = "RAPL package"

    def __init__(self, packages: Sequence[Package]) -> None:
        self._packages = packages
        self._joules = 0.0
        self._latest = self._read()

    def joules(self) -> float:
        """Energy since this object was made, but for whole rounds of a counter between two calls.

        Raises IncompleteError once it cannot be read.
        """
        latest = self._read()
        self._joules += spent_joules(self._packages, self._latest, latest)
        self._latest = latest
        return self._joules

    def celsius(self) -> float | None:
        """None: a package cools within seconds, so that nobody has to wait for it."""
        return None

    def close(self) -> None:
        """Do nothing: nothing is held."""

    def _read(self) -> list[int]:
        counts = [package.read_microjoules() for package in self._packages]
        known = [count for count in counts if count is not None]
        if len(known) < len(counts):
            raise _lost("energy_uj is not readable any more")
        return known


def open_energy_counter(
    device: str,
    *,
    environment: Mapping[str, str] = os.environ,
    powercap: Path = POWERCAP,
    cpuinfo: Path = CPUINFO,
) -> tuple[BoardCounter | PackageCounter | None, str]:
    """The counter of a device, or None and the reason.

    Args:
        device: as a setting names it: `cpu`, `cuda`, `cuda:1`.
        environment: of the worker, which decides about the numbers of GPUs.
        powercap: where Linux shows the counters of the processor.
        cpuinfo: where Linux describes the processor.
    """
    kind = device.partition(":")[0]
    if kind == "cpu":
        packages, reason = find_packages(powercap, cpuinfo)
        return (PackageCounter(packages) if packages else None), reason
    if kind not in {"cuda", "gpu"}:
        return None, f"no energy counter is known for {device}"
    gpu, reason = open_gpu(device, environment)
    if gpu is None:
        return None, reason
    state = gpu.read()
    if state.energy_joules is None:
        gpu.close()
        return None, f"no energy counter: {state.reasons['energy_joules']}"
    return BoardCounter(gpu), ""


def _lost(reason: str) -> IncompleteError:
    return IncompleteError(f"the energy counter was lost: {reason}.")
