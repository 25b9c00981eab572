"""The real NVIDIA detector against a compiled library that answers as a sick driver would."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envdoctor.detect import nvidia
from envdoctor.detect.nvml_question import Answer, ask
from envdoctor.model.machine import Machine, Nvidia

SOURCE = Path(__file__).parents[1] / "stand_ins" / "nvml.c"
COMPILER = shutil.which("cc") or shutil.which("gcc")

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nvml")
    built = folder / "libnvidia-ml.so.1"
    assert COMPILER
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", built, SOURCE], check=True)
    return folder


@pytest.fixture
def asked(library: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Ask the stand-in, with variables for its answers."""

    def ask_it(seconds: float = 30.0, **variables: str) -> Answer:
        monkeypatch.setenv("LD_LIBRARY_PATH", str(library))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return ask(seconds)

    return ask_it


def test_a_healthy_driver_tells_everything(asked: Callable[..., Answer]) -> None:
    answer = asked(NVML_COUNT="2")
    assert answer.reason == ""
    assert answer.nvidia.nvml_error == 0
    assert (answer.nvidia.driver_version, answer.nvidia.cuda_version) == ("580.95.05", "13.0")
    first, second = answer.nvidia.gpus
    assert (first.index, second.index) == (0, 1)
    assert first.name == "NVIDIA Stand-in"
    assert second.pci_address == "0000:02:00.0"
    assert first.compute_capability == "9.0"
    assert (first.total_bytes, first.used_bytes) == (80 << 30, 0)
    assert first.processes == ()
    assert first.compute_mode == "exclusive process"
    assert first.persistence is True
    assert first.event_bits == 1
    assert (first.link_width, first.max_link_width) == (16, 16)
    assert first.fabric_state == "completed"
    assert first.power_limit_watts is None  # the stand-in is older than that function


@pytest.mark.parametrize("number", [18, 999, 4, 9])
def test_a_driver_that_does_not_start_tells_its_error(
    number: int, asked: Callable[..., Answer]
) -> None:
    assert asked(NVML_INIT=str(number)).nvidia == Nvidia(nvml_error=number)


def test_a_lost_gpu_keeps_its_place_among_the_others(asked: Callable[..., Answer]) -> None:
    gpus = asked(NVML_COUNT="3", NVML_LOST="1").nvidia.gpus
    assert [gpu.query_error for gpu in gpus] == [None, 15, None]
    assert [gpu.index for gpu in gpus] == [0, 1, 2]


def test_memory_processes_and_errors_are_told(asked: Callable[..., Answer]) -> None:
    (gpu,) = asked(NVML_USED=str(70 << 30), NVML_ECC="3", NVML_FABRIC="2").nvidia.gpus
    assert gpu.used_bytes == 70 << 30
    assert gpu.processes is not None
    assert [(each.pid, each.used_bytes) for each in gpu.processes] == [(4242, 70 << 30)]
    assert gpu.ecc_volatile_uncorrected == 3
    assert (gpu.fabric_state, gpu.fabric_status) == ("in progress", "")


def test_a_gpu_that_answers_nothing_still_has_a_name(asked: Callable[..., Answer]) -> None:
    (gpu,) = asked(NVML_POOR="1").nvidia.gpus
    assert gpu.name == "NVIDIA Stand-in"
    assert gpu.total_bytes is None
    assert gpu.processes is None
    assert gpu.compute_capability == ""
    assert gpu.event_bits is None


def test_a_driver_that_hangs_is_left_in_time(asked: Callable[..., Answer]) -> None:
    begin = time.monotonic()
    answer = asked(seconds=1.0, NVML_INIT="hang")
    assert answer.nvidia.nvml_timed_out
    assert "1 s" in answer.reason
    assert time.monotonic() - begin < 20


def test_a_library_that_crashes_ends_only_the_child(asked: Callable[..., Answer]) -> None:
    answer = asked(NVML_INIT="crash")
    assert answer.nvidia == Nvidia()
    assert "SIGSEGV" in answer.reason


def test_the_current_folder_cannot_break_the_question(
    asked: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("types.py", "pynvml.py", "msgspec.py"):
        (tmp_path / name).write_text("raise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    assert asked().nvidia.nvml_error == 0


def test_the_detector_puts_files_and_answers_together(
    asked: Callable[..., Answer], library: Path, tmp_path: Path
) -> None:
    version = tmp_path / "proc/driver/nvidia/version"
    version.parent.mkdir(parents=True)
    version.write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07  Fri May 31 09:35:42 UTC 2024\n"
    )
    found = nvidia.detect(tmp_path, {}, lambda seconds: asked(NVML_INIT="18"))
    assert found.nvidia is not None
    assert (found.nvidia.kernel_version, found.nvidia.nvml_error) == ("550.90.07", 18)
    assert found.unseen == ()


def test_nothing_is_asked_where_nothing_hints_at_nvidia(tmp_path: Path) -> None:
    def never(seconds: float) -> Answer:
        raise AssertionError("NVML was asked")

    assert nvidia.detect(tmp_path, {}, never) == Machine()
