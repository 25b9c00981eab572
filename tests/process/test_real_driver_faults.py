"""A driver and GPUs in trouble: a compiled library answers NVML's questions about them."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envdoctor.checks.hardware import nvidia_cards
from envdoctor.detect import pci

SUPPORT = runpy.run_path(str(Path(__file__).parents[1] / "support" / "patients.py"))
STAND_IN = Path(__file__).parents[1] / "stand_ins" / "nvml.c"
COMPILER = shutil.which("cc") or shutil.which("gcc")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the loader of Linux finds the library"),
    pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here"),
]

GPU_FAULTS = [
    ("cuda-visible-devices-hides-gpus", "warn", "torch 2.9.1+cu128", {"CUDA_VISIBLE_DEVICES": "1"}),
    ("driver-too-old-for-cuda-runtime", "fail", "torch 2.9.1+cu128", {"NVML_DRIVER": "470.57.02"}),
    ("fabric-manager-missing", "fail", "", {"NVML_FABRIC": "1"}),
    ("gpu-arch-not-in-wheel", "fail", "torch 2.6.0+cu124", {"NVML_CAPABILITY": "120"}),
    ("gpu-count-below-pci-count", "fail", "", {"NVML_COUNT": "2", "NVML_LOST": "1"}),
    ("gpu-ecc-uncorrectable", "fail", "", {"NVML_ECC": "3"}),
    ("gpu-exclusive-compute-mode", "fail", "", {"NVML_MODE": "2"}),
    ("gpu-exclusive-compute-mode", "warn", "", {"NVML_USED": str(1 << 30)}),
    ("gpu-hw-slowdown", "warn", "", {"NVML_EVENTS": str(0x80)}),
    ("gpu-memory-held-by-other-process", "warn", "", {"NVML_USED": str(70 << 30)}),
    ("gpu-thermal-throttle", "warn", "", {"NVML_EVENTS": str(0x40)}),
    (
        "jax-gpu-too-old",
        "fail",
        "jax 0.10.2, jaxlib 0.10.2, jax-cuda13-plugin 0.10.2",
        {"NVML_CAPABILITY": "61"},
    ),
    (
        "jax-platforms-hides-gpus",
        "info",
        "jax 0.10.2, jax-cuda13-plugin 0.10.2",
        {"JAX_PLATFORMS": "cpu"},
    ),
    (
        "known-bad-cublas-cudnn",
        "warn",
        "torch 2.9.1+cu128, nvidia-cublas-cu12 12.8.4.1",
        {"NVML_CAPABILITY": "100"},
    ),
    ("mig-enabled", "info", "", {"NVML_MIG": "1"}),
    ("nvml-driver-library-mismatch", "fail", "", {"NVML_INIT": "18"}),
    ("pcie-link-degraded", "warn", "", {"NVML_LANES": "4"}),
    ("persistence-off", "info", "", {"NVML_PERSISTENCE": "0"}),
    (
        "torch-default-wheel-cuda13-on-12x-driver",
        "fail",
        "torch 2.12.0+cu130",
        {"NVML_DRIVER": "570.133.20", "NVML_CUDA": "12080"},
    ),
]
"""Check, status, what is installed, and what the driver or a variable then says."""
BUILD_FAULTS = [
    (
        "framework-preallocates-gpu",
        "info",
        "jax 0.10.2, jax-cuda12-plugin 0.10.2",
        "torch 2.9.1+cpu",
        "torch 2.9.1+cu128",
    ),
    (
        "jax-cpu-only-on-gpu-host",
        "fail",
        "jax 0.10.2, jaxlib 0.10.2",
        "jax-cuda12-plugin 0.10.2",
        "numpy 2.4.6",
    ),
    ("torch-cpu-wheel-on-gpu-host", "fail", "numpy 2.4.6", "torch 2.9.1+cu128", "torch 2.9.1+cpu"),
]
"""Check, status, what is there anyhow, what suits a GPU, and what was installed in its place."""


@pytest.fixture(autouse=True)
def _quiet(tmp_path, monkeypatch):
    SUPPORT["quiet"](monkeypatch, tmp_path / "home")


@pytest.fixture
def patient(tmp_path):
    return SUPPORT["Patient"](tmp_path / "sick")


@pytest.fixture
def found(plugins, patient):
    """What a check finds here, in this process."""
    return lambda check_id: patient.diagnose(plugins, check_id)


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The folder of a compiled library that answers as a driver does."""
    assert COMPILER
    folder = tmp_path_factory.mktemp("driver")
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", STAND_IN], check=True
    )
    return folder


@pytest.fixture
def driver(library, monkeypatch):
    """The loader finds that library first."""
    if len(nvidia_cards(pci.detect())) > 1:
        pytest.skip("this machine has several GPUs of its own, which the library does not tell of")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(library), prepend=os.pathsep)


def lay_down(patient, wanted):
    """Install what is listed; a torch says what its version's tag says, `+cu128`."""
    for each in filter(None, wanted.split(", ")):
        name, _, version = each.partition(" ")
        if name == "torch":
            tag = version.partition("+cu")[2]
            patient.install_torch(version, f"{tag[:2]}.{tag[2:]}" if tag else None)
        else:
            patient.install_all(each)


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("check_id", "status", "present", "told"), GPU_FAULTS, ids=[each[0] for each in GPU_FAULTS]
)
def test_a_driver_or_a_gpu_in_trouble(check_id, status, present, told, patient, found, monkeypatch):
    lay_down(patient, present)
    assert found(check_id) == []
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    (finding,) = found(check_id)
    assert finding.status == status
    assert finding.evidence
    assert finding.remedies


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("check_id", "status", "present", "sound", "sick"),
    BUILD_FAULTS,
    ids=[each[0] for each in BUILD_FAULTS],
)
def test_a_build_that_does_not_suit_the_gpu(check_id, status, present, sound, sick, patient, found):
    lay_down(patient, f"{present}, {sound}")
    assert found(check_id) == []
    patient.uninstall_all(sound)
    lay_down(patient, sick)
    (finding,) = found(check_id)
    assert finding.status == status
