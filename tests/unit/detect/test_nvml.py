from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from envdoctor.detect.nvml import (
    DIVIDED,
    EVENTS,
    GpuState,
    event_names,
    open_gpu,
    throttled,
)

STAND_IN = Path(__file__).parents[2] / "stand_ins" / "pynvml.py"


def _load_stand_in():
    spec = importlib.util.spec_from_file_location("pynvml", STAND_IN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def nvml(monkeypatch):
    module = _load_stand_in()
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return module


def test_a_healthy_gpu_tells_everything_in_si_units(nvml):
    nvml.board(event_bits=4)
    gpu, reason = open_gpu("cuda", {})
    assert reason == ""
    with gpu:
        assert gpu.read() == GpuState(
            energy_joules=5000.0,
            power_watts=250.5,
            temperature_celsius=41.0,
            sm_clock_hertz=1.98e9,
            event_bits=4,
            used_bytes=3 * 2**30,
        )


@pytest.mark.parametrize("ending", ["healthy", "no such device"])
def test_the_library_is_let_go_of(ending, nvml):
    nvml.board()
    gpu, _ = open_gpu("cuda" if ending == "healthy" else "cuda:3", {})
    if gpu:
        gpu.close()
    assert nvml.users == 0


def test_a_library_that_cannot_be_let_go_of_does_no_harm(nvml):
    nvml.board()
    gpu, _ = open_gpu("cuda", {})
    nvml.errors["nvmlShutdown"] = nvml.GPU_IS_LOST
    gpu.close()


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("LIBRARY_NOT_FOUND", "no NVML library"),
        ("DRIVER_NOT_LOADED", "the NVIDIA driver is not loaded"),
    ],
)
def test_without_a_driver_there_is_a_reason(number, reason, nvml):
    nvml.errors["nvmlInit"] = getattr(nvml, number)
    gpu, said = open_gpu("cuda", {})
    assert gpu is None
    assert reason in said


def test_without_the_binding_there_is_a_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert open_gpu("cuda", {}) == (
        None,
        "NVML's Python binding (nvidia-ml-py) is not installed",
    )


def test_an_error_that_nobody_foresaw_is_told_as_it_is(nvml):
    nvml.errors["nvmlInit"] = 999
    assert open_gpu("cuda", {}) == (None, "NVML: error 999")


FIELDS = {
    "energy_joules": "nvmlDeviceGetTotalEnergyConsumption",
    "power_watts": "nvmlDeviceGetPowerUsage",
    "temperature_celsius": "nvmlDeviceGetTemperature",
    "sm_clock_hertz": "nvmlDeviceGetClockInfo",
    "used_bytes": "nvmlDeviceGetMemoryInfo",
}


@pytest.mark.parametrize(
    ("number", "reason"),
    [("NOT_SUPPORTED", "not supported by this GPU"), ("NO_PERMISSION", "does not permit")],
)
@pytest.mark.parametrize("name", FIELDS)
def test_what_cannot_be_read_is_none_with_a_reason_and_takes_nothing_along(
    name, number, reason, nvml
):
    nvml.board()
    nvml.errors[FIELDS[name]] = getattr(nvml, number)
    gpu, _ = open_gpu("cuda", {})
    state = gpu.read()
    assert getattr(state, name) is None
    assert list(state.reasons) == [name]
    assert reason in state.reasons[name]


def test_the_older_name_of_the_clock_reasons_is_known(nvml):
    nvml.board(event_bits=64)
    nvml.errors["nvmlDeviceGetCurrentClocksEventReasons"] = nvml.FUNCTION_NOT_FOUND
    gpu, _ = open_gpu("cuda", {})
    assert gpu.read().event_bits == 64


def test_a_binding_that_only_knows_the_older_name_will_do(nvml, monkeypatch):
    nvml.board(event_bits=64)
    monkeypatch.delattr(nvml, "nvmlDeviceGetCurrentClocksEventReasons")
    gpu, _ = open_gpu("cuda", {})
    assert gpu.read().event_bits == 64


def test_a_driver_that_knows_neither_name_gives_a_reason(nvml, monkeypatch):
    nvml.board()
    monkeypatch.delattr(nvml, "nvmlDeviceGetCurrentClocksEventReasons")
    monkeypatch.delattr(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons")
    gpu, _ = open_gpu("cuda", {})
    assert gpu.read().reasons == {"event_bits": "not known to this driver"}


def test_a_divided_gpu_keeps_its_counters_to_itself_but_tells_its_clocks(nvml):
    nvml.board(divided=True)
    gpu, _ = open_gpu("cuda", {})
    state = gpu.read()
    assert state.reasons == {"energy_joules": DIVIDED, "power_watts": DIVIDED}
    assert state.event_bits == 0


def test_a_gpu_that_knows_no_division_is_whole(nvml):
    nvml.board()
    nvml.errors["nvmlDeviceGetMigMode"] = nvml.NOT_SUPPORTED
    gpu, _ = open_gpu("cuda", {})
    assert gpu.read().energy_joules == 5000.0


@pytest.mark.parametrize(
    ("device", "environment", "celsius"),
    [
        ("cuda", {}, 30),
        ("cuda:1", {}, 31),
        ("gpu:2", {}, 32),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "2"}, 32),
        ("cuda:1", {"CUDA_VISIBLE_DEVICES": "2, 0"}, 30),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "GPU-bbbb"}, 31),
    ],
)
def test_the_gpu_is_the_one_that_cuda_means(device, environment, celsius, nvml):
    for index, uuid in enumerate(["GPU-aaaa-1", "GPU-bbbb-1", "GPU-aaaa-2"]):
        nvml.board(uuid=uuid, celsius=30 + index)
    gpu, reason = open_gpu(device, environment)
    assert gpu, reason
    assert gpu.read().temperature_celsius == celsius


@pytest.mark.parametrize(
    ("device", "environment", "reason"),
    [
        ("cuda:3", {}, "NVML sees no GPU 3, only 3 of them"),
        ("cuda:1", {"CUDA_VISIBLE_DEVICES": "0"}, "shows no cuda:1"),
        ("cuda", {"CUDA_VISIBLE_DEVICES": ""}, "shows no cuda"),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "-1"}, "shows no cuda"),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "MIG-1234"}, DIVIDED),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "GPU-aaaa"}, "sees 2 GPUs"),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "GPU-cccc"}, "sees 0 GPUs"),
        ("mps", {}, "mps is no NVIDIA GPU"),
        ("cuda:one", {}, "cuda:one is no NVIDIA GPU"),
    ],
)
def test_no_gpu_is_taken_for_another(device, environment, reason, nvml):
    for uuid in ("GPU-aaaa-1", "GPU-bbbb-1", "GPU-aaaa-2"):
        nvml.board(uuid=uuid)
    gpu, said = open_gpu(device, environment)
    assert gpu is None
    assert reason in said


def test_among_unlike_gpus_the_number_means_something_in_the_order_of_the_bus_only(nvml):
    nvml.board(name="NVIDIA T4")
    nvml.board(name="NVIDIA H200", celsius=66)
    gpu, reason = open_gpu("cuda:1", {})
    assert gpu is None
    assert "CUDA_DEVICE_ORDER" in reason
    gpu, _ = open_gpu("cuda:1", {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"})
    assert gpu.read().temperature_celsius == 66


@pytest.mark.parametrize("bits", [8, 32, 64, 128, 64 | 4])
def test_heat_and_power_brakes_throttle(bits):
    assert throttled(bits)


@pytest.mark.parametrize("bits", [0, 1, 2, 4, 16, 256, 4 | 1])
def test_the_power_cap_and_the_user_do_not_throttle(bits):
    assert not throttled(bits)


def test_bits_have_the_names_of_the_header():
    assert event_names(0) == ()
    assert event_names(4 | 64) == ("SwPowerCap", "HwThermalSlowdown")
    assert event_names(1 << 40) == (str(1 << 40),)


def test_the_stand_in_and_the_table_are_like_the_real_binding():
    real = pytest.importorskip("pynvml")
    stand_in = _load_stand_in()
    names = [name for name in vars(stand_in) if name.startswith(("nvml", "NVML"))]
    assert [name for name in names if not hasattr(real, name)] == []
    for bit, name in EVENTS.items():
        assert getattr(real, f"nvmlClocksEventReason{name}") == bit
    assert real.NVML_ERROR_NO_PERMISSION == stand_in.NO_PERMISSION
    assert real.NVML_ERROR_LIBRARY_NOT_FOUND == stand_in.LIBRARY_NOT_FOUND
    assert real.NVML_ERROR_FUNCTION_NOT_FOUND == stand_in.FUNCTION_NOT_FOUND
