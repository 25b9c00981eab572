from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from envdoctor.detect.energy import open_energy_counter
from envdoctor.errors import IncompleteError

STAND_IN = Path(__file__).parents[2] / "stand_ins" / "pynvml.py"
RANGE = 65_532_610_987


@pytest.fixture
def nvml(monkeypatch):
    spec = importlib.util.spec_from_file_location("pynvml", STAND_IN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return module


@pytest.fixture
def powercap(tmp_path):
    """Two processor packages, the counter of the first just before its end."""
    for zone, count in {"intel-rapl:0": RANGE - 1_000_000, "intel-rapl:1": 0}.items():
        folder = tmp_path / zone
        folder.mkdir()
        (folder / "name").write_text(f"package-{zone[-1]}")
        (folder / "max_energy_range_uj").write_text(str(RANGE))
        (folder / "energy_uj").write_text(str(count))
    return tmp_path


def test_a_gpu_counts_by_its_board_sensor(nvml):
    board = nvml.board(celsius=55)
    counter, reason = open_energy_counter("cuda", environment={})
    assert reason == ""
    assert counter.source == "NVML board sensor"
    assert counter.celsius() == 55
    before = counter.joules()
    board.millijoules += 7_500
    assert counter.joules() - before == pytest.approx(7.5)


def test_the_cpu_counts_by_all_packages_over_restarts(powercap):
    counter, reason = open_energy_counter("cpu", powercap=powercap)
    assert reason == ""
    assert counter.source == "RAPL package"
    assert counter.celsius() is None
    before = counter.joules()
    (powercap / "intel-rapl:0" / "energy_uj").write_text("2000000")
    (powercap / "intel-rapl:1" / "energy_uj").write_text("4000000")
    assert counter.joules() - before == pytest.approx(7.0)
    (powercap / "intel-rapl:0" / "energy_uj").write_text("1000000")
    assert counter.joules() - before == pytest.approx(6.0 + RANGE * 1e-6)


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        ("mps", "no energy counter is known for mps"),
        ("cuda:7", "NVML sees no GPU 7"),
        ("cpu", "no powercap"),
    ],
)
def test_without_a_counter_there_is_a_reason(device, reason, nvml, tmp_path):
    nvml.board()
    counter, said = open_energy_counter(device, environment={}, powercap=tmp_path)
    assert counter is None
    assert reason in said


@pytest.mark.parametrize(
    ("number", "reason"),
    [("NOT_SUPPORTED", "not supported by this GPU"), ("NO_PERMISSION", "does not permit")],
)
def test_a_gpu_without_the_counter_is_let_go_of(number, reason, nvml):
    nvml.board()
    nvml.errors["nvmlDeviceGetTotalEnergyConsumption"] = getattr(nvml, number)
    counter, said = open_energy_counter("cuda", environment={})
    assert counter is None
    assert reason in said
    assert nvml.users == 0


def test_a_closed_counter_holds_nothing(nvml, powercap):
    nvml.board()
    for device in ("cuda", "cpu"):
        counter, _ = open_energy_counter(device, environment={}, powercap=powercap)
        counter.close()
    assert nvml.users == 0


def test_a_gpu_that_is_lost_on_the_way_is_an_ending_in_a_sentence(nvml):
    nvml.board()
    counter, _ = open_energy_counter("cuda", environment={})
    nvml.errors["nvmlDeviceGetTotalEnergyConsumption"] = nvml.GPU_IS_LOST
    with pytest.raises(IncompleteError, match="was lost: the GPU is lost"):
        counter.joules()


def test_a_package_that_is_lost_on_the_way_is_an_ending_in_a_sentence(powercap):
    counter, _ = open_energy_counter("cpu", powercap=powercap)
    (powercap / "intel-rapl:1" / "energy_uj").unlink()
    with pytest.raises(IncompleteError, match="not readable any more"):
        counter.joules()
