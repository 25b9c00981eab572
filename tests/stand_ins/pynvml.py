"""Stands in for the Python binding of NVML: boards that a test describes, errors that it plants.

Loaded anew for each test, so that nothing that a test plants outlives it.
"""

from __future__ import annotations

from types import SimpleNamespace

NVML_TEMPERATURE_GPU = 0
NVML_CLOCK_SM = 1

NOT_SUPPORTED, NO_PERMISSION, DRIVER_NOT_LOADED = 3, 4, 9
LIBRARY_NOT_FOUND, FUNCTION_NOT_FOUND, GPU_IS_LOST = 12, 13, 15

boards: list[SimpleNamespace] = []
errors: dict[str, int] = {}
"""The functions that fail, and with which number."""
users = 0
"""Calls of nvmlInit that no nvmlShutdown has answered."""


class NVMLError(Exception):
    def __init__(self, value):
        super().__init__(f"error {value}")
        self.value = value


def board(name="NVIDIA H200", uuid="GPU-aaaa-1", **values):
    """One more board, in the order of the bus."""
    usual = {
        "millijoules": 5_000_000,
        "milliwatts": 250_500,
        "celsius": 41,
        "sm_megahertz": 1980,
        "event_bits": 0,
        "used": 3 * 2**30,
        "divided": False,
    }
    boards.append(SimpleNamespace(name=name, uuid=uuid, **{**usual, **values}))
    return boards[-1]


def _check(function):
    if function in errors:
        raise NVMLError(errors[function])
    if not users and function != "nvmlInit":
        raise NVMLError(1)


def nvmlInit():
    global users  # noqa: PLW0603  a library's own state
    _check("nvmlInit")
    users += 1


def nvmlShutdown():
    global users  # noqa: PLW0603
    _check("nvmlShutdown")
    users -= 1


def nvmlDeviceGetCount():
    _check("nvmlDeviceGetCount")
    return len(boards)


def nvmlDeviceGetHandleByIndex(index):
    _check("nvmlDeviceGetHandleByIndex")
    return boards[index]


def nvmlDeviceGetName(handle):
    _check("nvmlDeviceGetName")
    return handle.name


def nvmlDeviceGetUUID(handle):
    _check("nvmlDeviceGetUUID")
    return handle.uuid


def nvmlDeviceGetMigMode(handle):
    _check("nvmlDeviceGetMigMode")
    return [int(handle.divided), int(handle.divided)]


def nvmlDeviceGetTotalEnergyConsumption(handle):
    _check("nvmlDeviceGetTotalEnergyConsumption")
    return handle.millijoules


def nvmlDeviceGetPowerUsage(handle):
    _check("nvmlDeviceGetPowerUsage")
    return handle.milliwatts


def nvmlDeviceGetTemperature(handle, sensor):
    _check("nvmlDeviceGetTemperature")
    assert sensor == NVML_TEMPERATURE_GPU
    return handle.celsius


def nvmlDeviceGetClockInfo(handle, kind):
    _check("nvmlDeviceGetClockInfo")
    assert kind == NVML_CLOCK_SM
    return handle.sm_megahertz


def nvmlDeviceGetCurrentClocksEventReasons(handle):
    _check("nvmlDeviceGetCurrentClocksEventReasons")
    return handle.event_bits


def nvmlDeviceGetCurrentClocksThrottleReasons(handle):
    _check("nvmlDeviceGetCurrentClocksThrottleReasons")
    return handle.event_bits


def nvmlDeviceGetMemoryInfo(handle):
    _check("nvmlDeviceGetMemoryInfo")
    return SimpleNamespace(used=handle.used)
