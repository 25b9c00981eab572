"""The table of versions: what it knows, and that it says nothing of what it does not know."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from packaging.version import Version

from envdoctor.checks import compat
from envdoctor.checks.compat_table import TABLE
from envdoctor.model.machine import Platform


def test_the_table_names_its_day_and_its_sources():
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    assert dt.date.fromisoformat(compat.valid_as_of()) >= dt.date(2026, 11, 22)
    assert set(table["sources"]) == set(table) - {"schema", "valid_as_of", "sources"} - {
        "newest_on"
    }


@pytest.mark.parametrize(
    ("driver", "cuda", "system", "runs"),
    [
        ("580.65.06", "13.0", "linux", True),
        ("580.65.05", "13.0", "linux", False),
        ("525.60.13", "12.9", "linux", True),
        ("525.60.9", "12", "linux", False),
        ("580.10", "13.0", "windows", True),
        ("527.41", "12.4", "windows", True),
        ("450.80.02", "11.8", "linux", True),
        ("590.1", "14.0", "linux", None),
        ("", "12.0", "linux", None),
        ("no version", "12.0", "linux", None),
    ],
)
def test_a_driver_is_held_against_the_floor_of_its_major(driver, cuda, system, runs):
    assert compat.driver_runs(driver, cuda, system) is runs


def test_under_wsl_the_driver_is_that_of_windows():
    assert compat.system_of(Platform(system="Linux", wsl=2)) == "windows"
    assert compat.system_of(Platform(system="Linux")) == "linux"


@pytest.mark.parametrize(
    ("torch", "tag", "capability", "architecture", "supported"),
    [
        ("2.13.0", "cu130", "8.9", "x86_64", True),
        ("2.13.0+cu130", "cu130", "12.1", "AMD64", True),
        ("2.13.0", "cu130", "7.0", "x86_64", False),
        ("2.13.0", "cu126", "12.0", "x86_64", False),
        ("2.11.0", "cu128", "7.0", "x86_64", False),
        ("2.10.0", "cu128", "7.0", "x86_64", True),
        ("2.13.0", "cu130", "11.0", "aarch64", True),
        ("2.13.0", "cu130", "11.0", "x86_64", False),
        ("2.13.0", "cu130", "13.0", "x86_64", None),
        ("2.5.1", "cu121", "3.7", "x86_64", False),
        ("2.5.1", "cu118", "3.7", "x86_64", None),
        ("2.13.0", "cu128", "8.0", "x86_64", None),
        ("3.0.0", "cu130", "8.0", "x86_64", None),
        ("2.5.1", "cu121", "8.0", "aarch64", None),
        ("2.13.0", "cu130", "", "x86_64", None),
    ],
)
def test_which_build_has_kernels_for_a_gpu(torch, tag, capability, architecture, supported):
    assert compat.torch_supports(torch, tag, capability, architecture) is supported


@pytest.mark.parametrize(
    ("driver", "capabilities", "torch", "tag"),
    [
        ("580.95.05", ["8.9"], "2.13.0", "cu130"),
        ("580.95.05", [], "2.13.0+cpu", "cu130"),
        ("580.95.05", ["8.9"], "2.10.0", "cu128"),
        ("550.54.15", ["8.9"], "2.13.0", "cu126"),
        ("550.54.15", ["12.0"], "2.11.0", "cu128"),
        ("580.95.05", ["6.1"], "2.13.0", "cu126"),
        ("580.95.05", ["6.1", "12.0"], "2.9.1", None),
        ("580.95.05", ["7.0", "12.0"], "2.9.1", "cu128"),
        ("550.54.15", ["8.9"], "2.15.0", None),
        ("470.82.01", ["8.6"], "2.6.0", "cu118"),
        ("470.82.01", ["8.6"], "2.13.0", None),
        ("", ["8.9"], "2.13.0", None),
        ("580.95.05", ["8.9"], "9.9.0", None),
    ],
)
def test_the_build_to_take(driver, capabilities, torch, tag):
    assert compat.best_torch_tag(driver, capabilities, torch) == tag


def test_what_is_recommended_is_published_runs_and_supports_every_gpu():
    for torch in json.loads(TABLE.read_text())["torch"]:
        for driver in ("450.80.02", "525.60.13", "580.65.06", "999.1"):
            for capability in ("5.0", "7.0", "8.9", "9.0", "10.3", "12.0"):
                tag = compat.best_torch_tag(driver, [capability], torch)
                if tag is not None:
                    assert tag in compat.torch_tags(torch)
                    assert compat.driver_runs(driver, compat.cuda_of(tag))
                    assert compat.torch_supports(torch, tag, capability)


@pytest.mark.parametrize(
    ("driver", "capabilities", "python", "build"),
    [
        ("580.95.05", ["9.0"], "3.12.1", ("2.15.0", "cu132")),
        ("580.95.05", ["9.0"], "3.10.4", ("2.14.1", "cu130")),
        ("580.95.05", ["6.1"], "", ("2.14.1", "cu126")),
        ("550.54.15", ["12.0"], "3.11.2", ("2.11.0", "cu128")),
        ("470.82.01", ["8.6"], "3.11.2", ("2.7.1", "cu118")),
        ("390.1", ["8.6"], "3.11.2", None),
    ],
)
def test_the_newest_release_that_has_a_build(driver, capabilities, python, build):
    found = compat.best_torch_build(driver, capabilities, python)
    assert (found and (found.version, found.tag)) == build


def test_partners_of_torch():
    assert compat.torchvision_for("2.13.0+cpu") == "0.28"
    assert compat.torchvision_for("2.99") is None
    assert compat.torch_for_torchvision("0.29.2") == ("2.14", "2.15")
    assert compat.torch_for_torchvision("0.99") is None
    assert compat.torchaudio_for("2.11.0") == "2.11"
    assert compat.torchaudio_for("2.12.0") == ""
    assert compat.torchaudio_for("2.99.0") is None
    assert compat.newest_torchaudio() == "2.11"


def test_wheels_by_python():
    assert compat.newest_wheel("tensorflow", "3.14.0") == ""
    assert compat.newest_wheel("tensorflow", "3.13.1") == "2.21.0"
    assert compat.newest_wheel("torch", "3.10.9") == "2.14.1"
    assert compat.newest_wheel("torch", "3.15.0") is None
    assert compat.newest_python("tensorflow") == "3.13"
    assert compat.newest_on("torch", "macos x86_64") == "2.2.2"


def test_tensorflow_and_jax():
    tested = compat.tensorflow_tested("2.21.0")
    assert tested is not None
    assert (tested.newest_python, tested.cuda) == ("3.13", "12.5")
    assert compat.tensorflow_tested("2.99.0") is None
    assert compat.jax_oldest_python("0.10.2") == "3.11"
    assert compat.jax_oldest_python("0.4.30") is None
    assert compat.jax_cuda("13").capability == "7.5"
    assert compat.jax_cuda("14") is None


def test_what_goes_together():
    assert compat.together({"torch": "2.10.0+cu128", "tensorflow": "2.21.0"}).resolves is False
    assert compat.together({"torch": "2.9.1", "tensorflow": "2.20.0", "jax": "0.8.3"}).resolves
    assert compat.together({"torch": "2.99.0", "tensorflow": "2.21.0"}) is None


def test_capabilities():
    assert compat.capability_removed_in("7.0") == "13.0"
    assert compat.capability_removed_in("8.0") is None
    assert compat.capability_needs_cuda("12.0") == "12.8"


def test_tags():
    assert compat.tag_of("12.6") == "cu126"
    assert compat.cuda_of("cu126") == "12.6"
    assert compat.cuda_of("cpu") == ""


def test_every_version_of_the_table_is_one():
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    for row in table["torch"].values():
        Version(row["newest"])
        for builds in row["architectures"].values():
            assert compat.tag_of(row["default_cuda"]) in builds
            for capabilities in builds.values():
                assert capabilities == sorted(capabilities, key=Version)
