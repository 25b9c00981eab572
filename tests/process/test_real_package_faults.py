"""Real environments with real faults in them: the survey sees them and a check names them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

SUPPORT = runpy.run_path(str(Path(__file__).parents[1] / "support" / "patients.py"))
Patient, run = SUPPORT["Patient"], SUPPORT["run"]
MODULES = [
    "abi",
    "c_libraries",
    "cuda_libraries",
    "known_bad",
    "pairs",
    "installed",
    "declared",
    "managers",
    "tools",
]


@pytest.fixture
def patient(tmp_path, monkeypatch):
    for name in ("KMP_DUPLICATE_LIB_OK", "TF_USE_LEGACY_KERAS", "USE_TF", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    return Patient(tmp_path / "sick")


def test_a_sound_environment_has_nothing(patient):
    patient.install("a", "1.0", "a/__init__.py", "a/b.py", requires=("b>=1",))
    patient.install("b", "1.5", "b.py", requires=('tomli; python_version < "3"', 'x; extra == "y"'))
    snapshot = patient.snapshot()
    assert {"a", "b"} <= set(snapshot.environment.distributions)
    for name in MODULES:
        module = __import__(f"envdoctor.checks.{name}", fromlist=["CHECKS"])
        for check in module.CHECKS:
            assert [f for f in run(check, snapshot) if f.status in {"warn", "fail", "error"}] == []


def test_two_owners_of_one_module(patient):
    patient.install("opencv-python", "4.12.0.88", "cv2/__init__.py", "cv2/load.py")
    patient.install("opencv-python-headless", "4.11.0.86", "cv2/__init__.py", "cv2/load.py")
    finding = patient.only("two-distributions-own-one-package")
    assert "cv2/load.py" in finding.evidence[-1].fact
    assert str(patient.python) in finding.remedies[0].command


def test_a_shared_namespace_is_no_fault(patient):
    patient.install("google-a", "1", "google/__init__.py", "google/a.py", "tests/__init__.py")
    patient.install("google-b", "1", "google/__init__.py", "google/b.py", "tests/__init__.py")
    assert patient.findings("two-distributions-own-one-package") == []


def test_a_lost_module(patient):
    patient.install("thing", "2.0", "thing/__init__.py", "thing/core.py")
    patient.remove("thing/core.py")
    finding = patient.only("broken-install-record-mismatch")
    assert (finding.status, finding.subject) == ("fail", "thing")
    assert "thing/core.py" in finding.evidence[0].fact
    assert finding.remedies[0].command.endswith("--force-reinstall --no-deps thing==2.0")


def test_a_changed_module(patient):
    patient.install("thing", "2.0", "thing/__init__.py", "thing/core.py")
    patient.write("thing/core.py", b"VALUE = 2  # edited by hand\n")
    finding = patient.only("broken-install-record-mismatch")
    assert (finding.status, "thing/core.py" in finding.evidence[0].fact) == ("info", True)


def test_a_leftover_of_an_interrupted_upgrade(patient):
    patient.write("~orch/__init__.py")
    finding = patient.only("broken-install-record-mismatch")
    assert (finding.subject, "~orch" in finding.remedies[0].command) == ("leftovers", True)


def test_metadata_that_is_empty(patient):
    patient.install("thing", "2.0", "thing.py", metadata=b"")
    finding = patient.only("broken-install-record-mismatch")
    assert "cannot be read" in finding.title


def test_requirements_that_contradict_each_other(patient):
    patient.install("numpy", "2.4.6", "numpy/__init__.py")
    patient.install("old", "1.0", "old.py", requires=("numpy (<2)",))
    patient.install("new", "1.0", "new.py", requires=("NumPy>=2.0 ; python_version >= '3.8'",))
    finding = patient.only("declared-dependency-conflict")
    assert [each.fact for each in finding.evidence] == ["numpy 2.4.6", "old 1.0 requires numpy<2"]
    assert finding.remedies[0].command.endswith("--upgrade old")


def test_a_requirement_that_is_missing(patient):
    patient.install("user", "1.0", "user.py", requires=("nowhere_To.be-found>=1",))
    assert patient.only("declared-dependency-conflict").subject == "nowhere-to-be-found"


def test_a_protobuf_of_another_major(patient):
    patient.install("protobuf", "6.30.0", "google/protobuf/message.py")
    patient.install("onnx", "1.12.0", "onnx/onnx_pb2.py", requires=("protobuf<=3.20.1,>=3.12.2",))
    assert patient.only("protobuf-generated-code-mismatch").status == "fail"
    assert patient.findings("declared-dependency-conflict") == []


def test_an_extension_for_numpy_one(patient):
    patient.install("numpy", "2.4.6", "numpy/__init__.py")
    patient.install(
        "bottleneck", "1.3.7", "bottleneck/__init__.py", "bottleneck/reduce.so", requires=("numpy",)
    )
    patient.write("bottleneck/reduce.so", b"\x7fELF" + b"\0numpy.core._multiarray_umath\0" * 2)
    finding = patient.only("numpy2-abi-break")
    assert (finding.subject, finding.evidence[-1].source.endswith("reduce.so")) == (
        "bottleneck",
        True,
    )


def test_an_extension_for_both_numpys_is_well(patient):
    patient.install("numpy", "2.4.6", "numpy/__init__.py")
    patient.install("bottleneck", "1.4.2", "bottleneck/reduce.so", requires=("numpy",))
    both = b"\0numpy.core._multiarray_umath\0numpy._core._multiarray_umath\0"
    patient.write("bottleneck/reduce.so", b"\x7fELF" + both)
    assert patient.findings("numpy2-abi-break") == []


def test_cuda_12_and_13_in_the_same_files(patient):
    library = "nvidia/nvshmem/lib/libnvshmem_host.so.3"
    patient.install("nvidia-nvshmem-cu12", "3.3.20", "nvidia/nvshmem/__init__.py", library)
    patient.install("nvidia-nvshmem-cu13", "3.3.24", "nvidia/nvshmem/__init__.py", library)
    finding = patient.only("nvidia-cu12-cu13-mixed")
    assert library in finding.evidence[2].fact
    assert patient.findings("two-distributions-own-one-package") == []


def test_cuda_libraries_that_a_removal_took_along(patient):
    library = "nvidia/nvshmem/lib/libnvshmem_host.so.3"
    patient.install("nvidia-nvshmem-cu13", "3.3.24", library)
    patient.remove(library)
    assert patient.only("nvidia-cu12-cu13-mixed").status == "fail"
    assert patient.findings("broken-install-record-mismatch") == []


def test_the_old_pynvml(patient):
    patient.install("pynvml", "11.5.0", "pynvml/__init__.py", "pynvml/nvml.py")
    patient.install("nvidia-ml-py", "12.560.30", "pynvml.py")
    assert patient.only("pynvml-deprecated").status == "info"


def test_a_torchvision_for_another_torch(patient):
    patient.install("torch", "2.14.0+cu126", "torch/__init__.py")
    patient.install("torchvision", "0.28.0", "torchvision/x.py", requires=("torch==2.13.0",))
    finding = patient.only("torchvision-torch-mismatch")
    assert "torchvision==0.29.*" in finding.remedies[0].command
    assert patient.findings("declared-dependency-conflict") == []


def test_numpy_from_conda_and_pip(patient):
    meta = patient.folder / "conda-meta"
    meta.mkdir()
    package = {"name": "numpy", "version": "1.26.4", "build": "py311_0", "channel": "conda-forge"}
    (meta / "numpy-1.26.4-py311_0.json").write_text(json.dumps(package))
    patient.install("numpy", "2.4.6", "numpy/__init__.py")
    assert patient.only("conda-pip-mixed-core-libs").remedies[0].command.endswith("numpy=1.26.4")


def test_a_variable_that_hides_a_clash(patient, monkeypatch):
    monkeypatch.setenv("KMP_DUPLICATE_LIB_OK", "TRUE")
    assert patient.only("duplicate-openmp-runtime").subject == "KMP_DUPLICATE_LIB_OK"


def test_a_tensorboard_that_does_not_start(patient):
    patient.install("tensorboard", "2.20.0", "tensorboard/default.py", requires=("setuptools>=41",))
    patient.install("setuptools", "82.0.1", "setuptools/__init__.py")
    assert patient.only("tensorboard-setuptools").status == "warn"
