"""Releases that do not go together, and Pythons in each other's way, made in real environments."""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

import pytest

SUPPORT = runpy.run_path(str(Path(__file__).parents[1] / "support" / "patients.py"))
OwnPatient, Patient = SUPPORT["OwnPatient"], SUPPORT["Patient"]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="environments are laid out as on Linux"
)

PAIRS = [
    ("flax-jax-mismatch", "fail", "flax 0.7.5", "jax 0.4.25", "jax 0.4.30"),
    ("gym-unmaintained", "warn", "gym 0.26.2", "numpy 1.26.4", "numpy 2.4.6"),
    ("jax-jaxlib-mismatch", "fail", "jax 0.9.0", "jaxlib 0.9.0", "jaxlib 0.10.2"),
    (
        "jax-plugin-version-mismatch",
        "fail",
        "jax 0.10.2, jaxlib 0.10.2",
        "jax-cuda12-plugin 0.10.2",
        "jax-cuda12-plugin 0.9.0",
    ),
    (
        "keras3-vs-tf-keras",
        "warn",
        "keras 3.10.0, transformers 4.50.0",
        "tensorflow 2.15.0",
        "tensorflow 2.19.0",
    ),
    (
        "tensorflow-addons-unmaintained",
        "fail",
        "tensorflow-addons 0.23.0",
        "tensorflow 2.15.0",
        "tensorflow 2.19.0",
    ),
    (
        "tf-keras-version-mismatch",
        "warn",
        "tensorflow 2.19.0",
        "tf-keras 2.19.0",
        "tf-keras 2.18.0",
    ),
    (
        "torch-tf-pin-conflict",
        "warn",
        "torch 2.9.1 nvidia-cudnn-cu12==9.10.2.21, tensorflow 2.20.0",
        "nvidia-cudnn-cu12 9.10.2.21",
        "nvidia-cudnn-cu12 9.3.0.75",
    ),
    ("torchaudio-torch-skew", "warn", "torch 2.9.1", "torchaudio 2.9.1", "torchaudio 2.8.0"),
    ("torchtext-unmaintained", "fail", "torchtext 0.18.0", "torch 2.3.1", "torch 2.9.1"),
    ("transformers-disables-torch", "fail", "transformers 5.1.0", "torch 2.9.1", "torch 2.3.1"),
    ("transformers-without-backend", "info", "transformers 5.1.0", "torch 2.9.1", "jax 0.10.2"),
]
"""Check, status, what is there anyhow, what goes with it, and what was installed in its place."""


@pytest.fixture(autouse=True)
def _quiet(tmp_path, monkeypatch):
    SUPPORT["quiet"](monkeypatch, tmp_path / "home")


@pytest.fixture
def patient(tmp_path):
    return Patient(tmp_path / "sick")


@pytest.fixture
def own_patient(tmp_path):
    patient = OwnPatient(tmp_path / "own")
    if not patient.works():
        pytest.skip("a copy of this Python does not find its own packages")
    return patient


@pytest.fixture
def found(plugins, patient):
    """What a check finds in the patient on this machine."""
    return lambda check_id, folder=None: patient.diagnose(plugins, check_id, folder)


@pytest.mark.parametrize(
    ("check_id", "status", "present", "sound", "sick"), PAIRS, ids=[each[0] for each in PAIRS]
)
def test_a_release_that_does_not_fit_another(
    check_id, status, present, sound, sick, patient, found
):
    patient.install_all(*present.split(", "), sound)
    assert found(check_id) == []
    patient.uninstall_all(sound)
    patient.install_all(sick)
    (finding,) = found(check_id)
    assert finding.status == status
    told = [finding.title, finding.cause, *(each.fact for each in finding.evidence)]
    assert status == "info" or any(sick.split()[1] in each for each in told)
    assert finding.remedies or status == "info"


@pytest.mark.parametrize("place", ["KERAS_BACKEND", "keras.json"])
def test_a_keras_without_its_backend(place, patient, found, tmp_path, monkeypatch):
    patient.install_all("keras 3.15.0", "jax 0.10.2", "jaxlib 0.10.2")

    def choose(backend):
        if place == "KERAS_BACKEND":
            monkeypatch.setenv(place, backend)
        else:
            monkeypatch.setenv("KERAS_HOME", str(tmp_path))
            (tmp_path / place).write_text(json.dumps({"backend": backend}))

    choose("jax")
    assert found("keras-backend-missing") == []
    choose("torch")
    (finding,) = found("keras-backend-missing")
    assert finding.status == "fail"
    assert finding.evidence[-1].source.endswith(place)
    assert finding.remedies[0].command == "export KERAS_BACKEND=jax"


def test_a_file_that_takes_the_place_of_torch(patient, found, tmp_path):
    patient.install_torch("2.9.1", None)
    here = tmp_path / "here"
    here.mkdir()
    (here / "my_torch.py").write_text("")
    assert found("local-file-shadows-module", here) == []
    (here / "torch.py").write_text("")
    (finding,) = found("local-file-shadows-module", here)
    assert (finding.status, finding.subject) == ("fail", str(here / "torch.py"))


def test_a_path_to_the_packages_of_another_python(patient, found, tmp_path, monkeypatch):
    for name in ("mine", "python2.7/dist-packages"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "mine"))
    assert found("pythonpath-leak") == []
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "python2.7/dist-packages"))
    (finding,) = found("pythonpath-leak")
    assert "Python: 2.7" in finding.title


def test_a_path_that_hides_the_packages_of_the_environment(patient, found, tmp_path, monkeypatch):
    patient.install_all("numpy 2.4.6")
    other = Patient(tmp_path / "other")
    monkeypatch.setenv("PYTHONPATH", str(other.site))
    assert found("pythonpath-leak") == []
    other.install_all("numpy 1.26.4")
    (finding,) = found("pythonpath-leak")
    assert "hides numpy" in finding.evidence[0].fact


def test_a_user_site_before_a_conda_environment(own_patient, plugins, tmp_path, monkeypatch):
    (own_patient.folder / "conda-meta").mkdir()
    own_patient.install_all("numpy 2.4.6")
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "base"))
    user = SUPPORT["Site"](tmp_path / "base")
    user.install_all("pandas 2.3.0")
    assert own_patient.diagnose(plugins, "user-site-leaks-into-env") == []
    user.install_all("numpy 1.26.4")
    (finding,) = own_patient.diagnose(plugins, "user-site-leaks-into-env")
    assert "1.26.4 is imported, not the 2.4.6" in finding.evidence[0].fact
    assert "conda env config vars set" in finding.remedies[0].command


def test_a_python_that_belongs_to_the_system(own_patient, plugins):
    assert own_patient.diagnose(plugins, "externally-managed") == []
    mark = own_patient.site.parent / "EXTERNALLY-MANAGED"
    mark.write_text("[externally-managed]\nError=Ask the package manager.\n")
    (finding,) = own_patient.diagnose(plugins, "externally-managed")
    assert str(own_patient.python) in finding.remedies[0].command


@pytest.mark.parametrize(
    ("program", "title"),
    [("/nowhere/bin/python", "cannot start"), (sys.executable, "run in another Python")],
    ids=["gone", "elsewhere"],
)
def test_a_notebook_kernel_of_another_python(program, title, patient, found):
    patient.install_all("ipykernel 7.0.0")
    kernel = patient.folder / "share/jupyter/kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)

    def of_default():
        return (
            each
            for each in found("jupyter-kernel-other-interpreter")
            if each.subject == "python3" or str(kernel) in {fact.source for fact in each.evidence}
        )

    kernel.write_text(json.dumps({"argv": [str(patient.python)], "language": "python"}))
    assert list(of_default()) == []
    kernel.write_text(json.dumps({"argv": [program], "language": "python"}))
    (finding,) = of_default()
    assert (finding.status, title in finding.title) == ("warn", True)


def test_a_pip_of_another_python(patient, found, tmp_path, monkeypatch):
    patient.install_all("pip 26.0")
    stray, own = tmp_path / "stray", patient.python.parent
    stray.mkdir()
    for folder, python in ((stray, tmp_path / "other/bin/python"), (own, patient.python)):
        for name in ("pip", "pip3"):
            (folder / name).write_text(f"#!{python}\n")
            (folder / name).chmod(0o755)
    monkeypatch.setenv("VIRTUAL_ENV", str(patient.folder))
    monkeypatch.setenv("PATH", os.pathsep.join([str(own), str(stray)]))
    assert found("pip-not-of-this-python") == []
    monkeypatch.setenv("PATH", os.pathsep.join([str(stray), str(own)]))
    (finding,) = found("pip-not-of-this-python")
    assert (finding.status, finding.evidence[0].source) == ("warn", str(stray / "pip"))


def test_older_libraries_of_cuda_before_those_of_wheels(patient, found, tmp_path, monkeypatch):
    patient.install_torch("2.9.1+cu128", "12.8")
    patient.install_all("nvidia-cudnn-cu12 9.10.2.21")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "libmine.so.9").write_bytes(b"")
    assert found("ld-library-path-hijacks-cuda") == []
    (tmp_path / "libcudnn.so.9.1.0").write_bytes(b"")
    (tmp_path / "libcudnn.so.9").symlink_to("libcudnn.so.9.1.0")
    (finding,) = found("ld-library-path-hijacks-cuda")
    assert finding.status == "warn"
    assert str(tmp_path / "libcudnn.so.9") in finding.evidence[0].fact


def test_stubs_of_cuda_on_the_way_of_the_loader(patient, found, tmp_path, monkeypatch):
    patient.install_torch("2.9.1+cu128", "12.8")
    for name in ("lib64", "lib64/stubs"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib64"), prepend=os.pathsep)
    assert found("cuda-stub-first") == []
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib64/stubs"), prepend=os.pathsep)
    (finding,) = found("cuda-stub-first")
    assert str(tmp_path / "lib64/stubs") in finding.evidence[0].fact


def test_a_machine_without_a_compiler(patient, found, tmp_path, monkeypatch):
    patient.install_torch("2.9.1+cu128", "12.8")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)

    def about_compilers():
        return [
            each
            for each in found("no-c-compiler-for-triton")
            if "none of gcc" in each.evidence[0].fact
        ]

    (tmp_path / "cc").write_text("#!/bin/true\n")
    (tmp_path / "cc").chmod(0o755)
    assert about_compilers() == []
    (tmp_path / "cc").unlink()
    (finding,) = about_compilers()
    assert "C compiler" in finding.title
