"""Everything that NVML tells of the driver and of each GPU, field by field.

Runs in a child. A field that cannot be read stays empty and costs no other.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from envdoctor.model.machine import GpuProcess, Nvidia, NvidiaGpu

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[Any, Any], dict[str, Any]]

LIBRARY_NOT_FOUND = 12
MOST_GPUS = 64
COMPUTE_MODES = {0: "default", 2: "prohibited", 3: "exclusive process"}
FABRIC_STATES = {0: "not supported", 1: "not started", 2: "in progress", 3: "completed"}
"""Numbers of nvml.h: nvmlComputeMode_t and NVML_GPU_FABRIC_STATE_*."""
VOLATILE, AGGREGATE, UNCORRECTED = 0, 1, 1


def main() -> None:
    """Write the answer to standard output."""
    try:
        library: Any = importlib.import_module("pynvml")
    except ImportError:
        sys.exit(1)
    sys.stdout.buffer.write(msgspec.json.encode(read_nvml(library)))
    # Ends without NVML's own cleaning up, which may hang as its start may.


def read_nvml(library: Any) -> Nvidia:
    """Driver and GPUs, from the binding or what acts as it."""
    try:
        library.nvmlInit()
    except library.NVMLError as error:
        return Nvidia(nvml_error=error_number(error))
    count = _try(library, lambda: int(library.nvmlDeviceGetCount()), 0)
    return Nvidia(
        nvml_error=0,
        driver_version=_text(_try(library, library.nvmlSystemGetDriverVersion, "")),
        cuda_version=_cuda_version(_try(library, library.nvmlSystemGetCudaDriverVersion, 0)),
        gpus=tuple(read_gpu(library, index) for index in range(min(count, MOST_GPUS))),
    )


def read_gpu(library: Any, index: int) -> NvidiaGpu:
    """One GPU; of a lost one, only the number and NVML's answer."""
    try:
        handle = library.nvmlDeviceGetHandleByIndex(index)
    except library.NVMLError as error:
        return NvidiaGpu(index=index, query_error=error_number(error))
    found: dict[str, Any] = {}
    for read in READERS:
        found.update(_try(library, partial(read, library, handle), {}))
    return NvidiaGpu(index=index, **found)


def error_number(error: Exception) -> int:
    """The number of nvml.h in an error; 999, unknown, if it bears none."""
    value = getattr(error, "value", None)
    return value if isinstance(value, int) else 999


def _try(library: Any, read: Callable[[], Any], otherwise: Any) -> Any:
    """What a reader gives; binding and driver may be of any age, so that anything may be absent."""
    try:
        return read()
    except (library.NVMLError, AttributeError, TypeError, ValueError):
        return otherwise


def _cuda_version(number: int) -> str:
    """12080 as `12.8`; empty for 0."""
    return f"{number // 1000}.{number % 1000 // 10}" if number else ""


def _text(value: str | bytes) -> str:
    """Old bindings give bytes."""
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _name(library: Any, handle: Any) -> dict[str, Any]:
    return {"name": _text(library.nvmlDeviceGetName(handle))}


def _uuid(library: Any, handle: Any) -> dict[str, Any]:
    return {"uuid": _text(library.nvmlDeviceGetUUID(handle))}


def _address(library: Any, handle: Any) -> dict[str, Any]:
    """As sysfs writes it: NVML has eight digits for the domain, the kernel four."""
    told = _text(library.nvmlDeviceGetPciInfo(handle).busId).lower()
    domain, _, rest = told.partition(":")
    return {"pci_address": f"{domain[-4:]}:{rest}"}


def _capability(library: Any, handle: Any) -> dict[str, Any]:
    major, minor = library.nvmlDeviceGetCudaComputeCapability(handle)
    return {"compute_capability": f"{major}.{minor}"}


def _memory(library: Any, handle: Any) -> dict[str, Any]:
    memory = library.nvmlDeviceGetMemoryInfo(handle)
    return {"total_bytes": int(memory.total), "used_bytes": int(memory.used)}


def _processes(library: Any, handle: Any) -> dict[str, Any]:
    processes = library.nvmlDeviceGetComputeRunningProcesses(handle)
    return {
        "processes": tuple(
            GpuProcess(pid=int(each.pid), used_bytes=each.usedGpuMemory) for each in processes
        )
    }


def _compute_mode(library: Any, handle: Any) -> dict[str, Any]:
    return {"compute_mode": COMPUTE_MODES.get(int(library.nvmlDeviceGetComputeMode(handle)), "")}


def _mig(library: Any, handle: Any) -> dict[str, Any]:
    """Whether the GPU is divided; one that cannot be answers that it does not support it."""
    try:
        return {"mig": bool(library.nvmlDeviceGetMigMode(handle)[0])}
    except library.NVMLError as error:
        return {"mig": False} if error_number(error) == 3 else {}


def _persistence(library: Any, handle: Any) -> dict[str, Any]:
    return {"persistence": bool(library.nvmlDeviceGetPersistenceMode(handle))}


def _events(library: Any, handle: Any) -> dict[str, Any]:
    """By the present name or the one before driver 535."""
    for name in ("EventReasons", "ThrottleReasons"):
        read = getattr(library, f"nvmlDeviceGetCurrentClocks{name}", None)
        bits = None if read is None else _try(library, partial(read, handle), None)
        if bits is not None:
            return {"event_bits": int(bits)}
    return {}


def _temperature(library: Any, handle: Any) -> dict[str, Any]:
    return {"temperature_celsius": float(library.nvmlDeviceGetTemperature(handle, 0))}


def _power(library: Any, handle: Any) -> dict[str, Any]:
    return {"power_watts": library.nvmlDeviceGetPowerUsage(handle) / 1e3}


def _power_limit(library: Any, handle: Any) -> dict[str, Any]:
    return {"power_limit_watts": library.nvmlDeviceGetPowerManagementLimit(handle) / 1e3}


def _default_power_limit(library: Any, handle: Any) -> dict[str, Any]:
    told = library.nvmlDeviceGetPowerManagementDefaultLimit(handle)
    return {"default_power_limit_watts": told / 1e3}


def _volatile_errors(library: Any, handle: Any) -> dict[str, Any]:
    count = library.nvmlDeviceGetTotalEccErrors(handle, UNCORRECTED, VOLATILE)
    return {"ecc_volatile_uncorrected": int(count)}


def _aggregate_errors(library: Any, handle: Any) -> dict[str, Any]:
    count = library.nvmlDeviceGetTotalEccErrors(handle, UNCORRECTED, AGGREGATE)
    return {"ecc_aggregate_uncorrected": int(count)}


def _remapped(library: Any, handle: Any) -> dict[str, Any]:
    _, _, pending, failed = library.nvmlDeviceGetRemappedRows(handle)
    return {"remapped_pending": bool(pending), "remapped_failed": bool(failed)}


def _link(library: Any, handle: Any) -> dict[str, Any]:
    return {
        "link_width": int(library.nvmlDeviceGetCurrPcieLinkWidth(handle)),
        "max_link_width": int(library.nvmlDeviceGetMaxPcieLinkWidth(handle)),
        "link_generation": int(library.nvmlDeviceGetCurrPcieLinkGeneration(handle)),
        "max_link_generation": int(library.nvmlDeviceGetMaxPcieLinkGeneration(handle)),
    }


def _fabric(library: Any, handle: Any) -> dict[str, Any]:
    info = library.c_nvmlGpuFabricInfo_t()
    library.nvmlDeviceGetGpuFabricInfo(handle, library.byref(info))
    state = FABRIC_STATES.get(int(info.state), "")
    # NVML says how it went only once it is over.
    status = {0: "success"}.get(int(info.status), f"error {int(info.status)}")
    return {"fabric_state": state, "fabric_status": status if state == "completed" else ""}


READERS: tuple[Reader, ...] = (
    _name,
    _uuid,
    _address,
    _capability,
    _memory,
    _processes,
    _compute_mode,
    _mig,
    _persistence,
    _events,
    _temperature,
    _power,
    _power_limit,
    _default_power_limit,
    _volatile_errors,
    _aggregate_errors,
    _remapped,
    _link,
    _fabric,
)
