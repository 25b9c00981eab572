"""What NVIDIA's management library (NVML) tells of a GPU: energy, heat, clocks, memory.

The binding (`pynvml`, of the distribution nvidia-ml-py) is imported when a GPU is asked for. Where
it, the driver or a right is missing, there is a reason in place of the number.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EVENTS = {
    1: "GpuIdle",
    2: "ApplicationsClocksSetting",
    4: "SwPowerCap",
    8: "HwSlowdown",
    16: "SyncBoost",
    32: "SwThermalSlowdown",
    64: "HwThermalSlowdown",
    128: "HwPowerBrakeSlowdown",
    256: "DisplayClockSetting",
}
"""Why the clocks are what they are: bits and names of nvml.h, nvmlClocksEventReason*."""
SLOWDOWNS = 8 | 32 | 64 | 128
"""Heat or a power brake. The power cap (4) is not among them: at full load it is normal."""
DIVIDED = "the GPU is divided into MIG slices, and its counter counts them all"
_REASONS = {
    3: "not supported by this GPU",
    4: "NVML does not permit it (under MIG, or without rights)",
    9: "the NVIDIA driver is not loaded",
    12: "there is no NVML library (no NVIDIA driver)",
    13: "not known to this driver",
    15: "the GPU is lost",
    18: "the NVIDIA driver was updated and not loaded anew",
}
"""By the numbers of nvml.h, nvmlReturn_t."""


@dataclass(frozen=True)
class GpuState:
    """One sample; what could not be read is None, and `reasons` says why, by field."""

    energy_joules: float | None = None
    """Since the driver was loaded. The counter moves about every 100 ms."""
    power_watts: float | None = None
    temperature_celsius: float | None = None
    sm_clock_hertz: float | None = None
    event_bits: int | None = None
    used_bytes: int | None = None
    """Of the device's memory, by all processes."""
    reasons: Mapping[str, str] = field(default_factory=dict)


class Gpu:
    """One GPU, for as long as it is not closed. A context manager."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library = library
        self._handle = handle

    def __enter__(self) -> Gpu:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> GpuState:
        """Take a sample; a few milliseconds."""
        values: dict[str, Any] = {}
        reasons: dict[str, str] = {}
        for name, read in _QUANTITIES.items():
            try:
                values[name] = read(self._library, self._handle)
            except self._library.NVMLError as error:
                reasons[name] = _reason(error)
            except _Absent as absent:
                reasons[name] = str(absent)
        return GpuState(**values, reasons=reasons)

    def close(self) -> None:
        """Let go of the library."""
        _shut_down(self._library)


class GpuWatch:
    """Tells whether a GPU holds itself back."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu

    def throttled(self) -> bool | None:
        """Whether it does right now, for heat or a power brake; None where it is not told."""
        bits = self._gpu.read().event_bits
        return None if bits is None else throttled(bits)


def open_gpu(device: str, environment: Mapping[str, str] = os.environ) -> tuple[Gpu | None, str]:
    """The GPU that a framework calls `cuda` or `cuda:1`, or None and the reason.

    Args:
        device: as a setting names it.
        environment: of the worker; `CUDA_VISIBLE_DEVICES` and `CUDA_DEVICE_ORDER` decide which GPU
            bears which number.
    """
    try:
        library: Any = importlib.import_module("pynvml")
    except ImportError:
        return None, "NVML's Python binding (nvidia-ml-py) is not installed"
    try:
        library.nvmlInit()
    except library.NVMLError as error:
        return None, _reason(error)
    try:
        return Gpu(library, _find(library, device, environment)), ""
    except library.NVMLError as error:
        reason = _reason(error)
    except _Absent as absent:
        reason = str(absent)
    _shut_down(library)
    return None, reason


def throttled(event_bits: int) -> bool:
    """Whether the GPU slows itself down for heat or a power brake."""
    return bool(event_bits & SLOWDOWNS)


def event_names(event_bits: int) -> tuple[str, ...]:
    """The names of the bits, as NVML's header has them; of an unknown bit, its number."""
    bits = (1 << place for place in range(event_bits.bit_length()))
    return tuple(EVENTS.get(bit, str(bit)) for bit in bits if event_bits & bit)


class _Absent(Exception):
    """There is no such GPU or no such number; the text is the reason."""


def _find(library: Any, device: str, environment: Mapping[str, str]) -> Any:
    """The handle of a device, by the rules of the CUDA runtime."""
    kind, _, number = device.partition(":")
    if kind not in {"cuda", "gpu"} or not (number or "0").isdecimal():
        raise _Absent(f"{device} is no NVIDIA GPU")
    wanted = int(number or 0)
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return _by_number(library, wanted, environment)
    # What follows an entry that is no device is not visible either; -1 is the usual such entry.
    entries = [entry.strip() for entry in visible.split(",")]
    if wanted >= len(entries):
        raise _Absent(f"CUDA_VISIBLE_DEVICES shows no {device}")
    entry = entries[wanted]
    if entry.startswith("MIG-"):
        raise _Absent(DIVIDED)
    if entry.startswith("GPU-"):
        return _by_identifier(library, entry)
    if not entry.isdecimal():
        raise _Absent(f"CUDA_VISIBLE_DEVICES shows no {device}")
    return _by_number(library, int(entry), environment)


def _by_number(library: Any, number: int, environment: Mapping[str, str]) -> Any:
    """NVML counts in the order of the bus; CUDA does so if told to, or among equal GPUs."""
    handles = _handles(library)
    if number >= len(handles):
        raise _Absent(f"NVML sees no GPU {number}, only {len(handles)} of them")
    by_bus = environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    if not by_bus and len({str(library.nvmlDeviceGetName(handle)) for handle in handles}) > 1:
        raise _Absent(
            "which of the unlike GPUs it is is only known under CUDA_DEVICE_ORDER=PCI_BUS_ID"
        )
    return handles[number]


def _by_identifier(library: Any, prefix: str) -> Any:
    """CUDA takes any beginning of an identifier that fits one GPU only."""
    fitting = [
        handle
        for handle in _handles(library)
        if str(library.nvmlDeviceGetUUID(handle)).startswith(prefix)
    ]
    if len(fitting) != 1:
        raise _Absent(f"NVML sees {len(fitting)} GPUs by the identifier {prefix}")
    return fitting[0]


def _handles(library: Any) -> list[Any]:
    count = int(library.nvmlDeviceGetCount())
    return [library.nvmlDeviceGetHandleByIndex(index) for index in range(count)]


def _energy_joules(library: Any, handle: Any) -> float:
    _require_whole(library, handle)
    return float(library.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3


def _power_watts(library: Any, handle: Any) -> float:
    _require_whole(library, handle)
    return float(library.nvmlDeviceGetPowerUsage(handle)) / 1e3


def _temperature_celsius(library: Any, handle: Any) -> float:
    return float(library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU))


def _sm_clock_hertz(library: Any, handle: Any) -> float:
    return float(library.nvmlDeviceGetClockInfo(handle, library.NVML_CLOCK_SM)) * 1e6


def _event_bits(library: Any, handle: Any) -> int:
    """By the present name or the one before driver 535: binding and driver may be of any age."""
    absent = _Absent(_REASONS[13])
    for name in ("EventReasons", "ThrottleReasons"):
        read = getattr(library, f"nvmlDeviceGetCurrentClocks{name}", None)
        if read is None:
            continue
        try:
            return int(read(handle))
        except library.NVMLError as error:
            absent = _Absent(_reason(error))
    raise absent


def _used_bytes(library: Any, handle: Any) -> int:
    return int(library.nvmlDeviceGetMemoryInfo(handle).used)


_QUANTITIES: dict[str, Callable[[Any, Any], float]] = {
    "energy_joules": _energy_joules,
    "power_watts": _power_watts,
    "temperature_celsius": _temperature_celsius,
    "sm_clock_hertz": _sm_clock_hertz,
    "event_bits": _event_bits,
    "used_bytes": _used_bytes,
}


def _require_whole(library: Any, handle: Any) -> None:
    """Refuse the counters of a board whose slices may be at work for others."""
    try:
        current, _ = library.nvmlDeviceGetMigMode(handle)
    except library.NVMLError:
        return  # a GPU that cannot be divided
    if current:
        raise _Absent(DIVIDED)


def _shut_down(library: Any) -> None:
    try:
        library.nvmlShutdown()
    except library.NVMLError:
        return  # nothing is held any more, which is what was wanted


def _reason(error: Exception) -> str:
    return _REASONS.get(getattr(error, "value", 0), f"NVML: {error}")
