"""Distributions as they lie on the disk."""

from __future__ import annotations

import pytest

from envdoctor.checks.clashes import is_code
from envdoctor.model.environment import Clash, Requirement

CV2 = Clash(
    owners=("opencv-python", "opencv-python-headless"),
    paths=("cv2/__init__.py", "cv2/cv2.abi3.so"),
    count=214,
)
OPENCV = {"opencv-python": "4.12.0.88", "opencv-python-headless": "4.11.0.86"}
ID = "two-distributions-own-one-package"


def test_two_owners_of_one_package(run, snapshot, environment):
    (finding,) = run(ID, snapshot(environment=environment(OPENCV, clashes=(CV2,))))
    assert finding.status == "warn"
    assert "all claim cv2/__init__.py, cv2/cv2.abi3.so and 212 more" in finding.evidence[-1].fact
    assert finding.remedies[0].command == (
        "/home/ada/venv/bin/python -m pip uninstall -y opencv-python opencv-python-headless && "
        "/home/ada/venv/bin/python -m pip install --force-reinstall --no-deps "
        "opencv-python==4.12.0.88"
    )
    assert "import cv2" in finding.verify


def test_the_one_that_is_required_is_kept(run, snapshot, environment, distribution):
    wanted = Requirement(name="opencv-python-headless")
    user = distribution("albumentations", "2.0", requires=(wanted,))
    sick = environment({**OPENCV, "albumentations": user}, clashes=(CV2,))
    (finding,) = run(ID, snapshot(environment=sick))
    assert finding.remedies[0].command.endswith("opencv-python-headless==4.11.0.86")


@pytest.mark.parametrize(
    "paths",
    [
        ("google/__init__.py",),
        ("nvidia/__init__.py", "nvidia/cublas/__init__.py"),
        ("tests/__init__.py", "tests/test_it.py"),
        ("docs/conf.py", "LICENSE", "README.md", "pkg/py.typed"),
        ("../../../bin/tool.py",),
        ("tools/make.py",),
    ],
)
def test_namespaces_tests_and_licences_may_be_shared(run, snapshot, environment, paths):
    shared = Clash(owners=("a", "b"), paths=paths, count=len(paths))
    well = environment({"a": "1", "b": "1"}, clashes=(shared,))
    assert run(ID, snapshot(environment=well)) == []


@pytest.mark.parametrize("paths", [("cv2/Error/__init__.pyi", "cv2/LICENSE.txt"), ("a/b.h",)])
def test_stubs_and_headers_that_are_listed_before_the_code_tell_of_it(
    run, snapshot, environment, paths
):
    clash = Clash(owners=("a", "b"), paths=paths, count=99)
    sick = environment({"a": "1", "b": "1"}, clashes=(clash,))
    assert len(run(ID, snapshot(environment=sick))) == 1


def test_two_opencvs_whose_files_do_not_overlap_are_well(run, snapshot, environment):
    assert run(ID, snapshot(environment=environment(OPENCV))) == []


def test_pynvml_and_its_successor_have_a_check_of_their_own(run, snapshot, environment):
    clash = Clash(owners=("nvidia-ml-py", "pynvml"), paths=("pynvml.py",), count=1)
    both = environment({"pynvml": "11.5.0", "nvidia-ml-py": "12.560"}, clashes=(clash,))
    assert run(ID, snapshot(environment=both)) == []
    (finding,) = run("pynvml-deprecated", snapshot(environment=both))
    assert finding.status == "info"
    assert "uninstall -y pynvml &&" in finding.remedies[0].command
    assert finding.remedies[0].command.endswith("nvidia-ml-py==12.560")


def test_pynvml_that_something_requires_is_left_alone(run, snapshot, environment, distribution):
    user = distribution("monitor", "1", requires=(Requirement(name="pynvml"),))
    found = environment({"pynvml": "12.0", "monitor": user})
    (finding,) = run("pynvml-deprecated", snapshot(environment=found))
    assert finding.remedies[0].command == ""


def test_nvidia_ml_py_alone_is_well(run, snapshot, environment):
    assert run("pynvml-deprecated", snapshot(environment=environment({"nvidia-ml-py": "13"}))) == []


BROKEN = "broken-install-record-mismatch"


def test_files_that_are_gone(run, snapshot, environment, distribution):
    lost = distribution(
        "torch", "2.13.0+cu126", missing=("torch/nn/init.py", "torch/_C.so"), missing_count=40
    )
    (finding,) = run(BROKEN, snapshot(environment=environment({"torch": lost})))
    assert (finding.status, finding.subject) == ("fail", "torch")
    assert finding.evidence[0].fact == "missing: torch/nn/init.py, torch/_C.so and 38 more"
    assert finding.remedies[0].command.endswith(
        "--force-reinstall --no-deps --index-url https://download.pytorch.org/whl/cu126 "
        "torch==2.13.0+cu126"
    )


def test_what_conda_installed_is_mended_by_conda(run, snapshot, environment, distribution):
    lost = distribution("numpy", "2.1.0", installer="conda", missing=("numpy/core.py",))
    sick = environment({"numpy": lost}, interpreter={"prefix": "/opt/conda", "conda": True})
    (finding,) = run(BROKEN, snapshot(environment=sick))
    assert finding.remedies[0].command == (
        "conda install -p /opt/conda --force-reinstall numpy=2.1.0"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"missing": ("numpy/tests/test_x.py",), "missing_count": 1},
        {"missing": ("LICENSE.txt", "a/data.json"), "missing_count": 2},
        {"missing": ("a/b.py",), "missing_count": 1, "editable": True},
        {"resized": ("a/data.json",)},
        {"resized": ("a/b.py",), "installer": "conda"},
        {},
    ],
)
def test_what_nobody_imports_may_be_gone(run, snapshot, environment, distribution, fields):
    well = environment({"a": distribution("a", "1", **fields)})
    assert run(BROKEN, snapshot(environment=well)) == []


def test_changed_files_are_worth_a_note(run, snapshot, environment, distribution):
    edited = environment({"a": distribution("a", "1.2", resized=("a/b.py",))})
    (finding,) = run(BROKEN, snapshot(environment=edited))
    assert (finding.status, "edited" in finding.cause) == ("info", True)
    stripped = environment({"a": distribution("a", "1.2", resized=("a/libb.so.3",))})
    (finding,) = run(BROKEN, snapshot(environment=stripped))
    assert "Slim images" in finding.cause


def test_files_that_another_one_has_overwritten_are_not_told_twice(
    run, snapshot, environment, distribution
):
    overwritten = distribution("opencv-python", "4.12", resized=("cv2/__init__.py",))
    sick = environment({**OPENCV, "opencv-python": overwritten}, clashes=(CV2,))
    assert run(BROKEN, snapshot(environment=sick)) == []


def test_metadata_that_cannot_be_read(run, snapshot, environment, distribution):
    sick = environment({"a": distribution("a", "", broken="METADATA is empty")})
    (finding,) = run(BROKEN, snapshot(environment=sick))
    assert finding.evidence[0].fact == "METADATA is empty"
    assert finding.remedies[0].command.endswith("--force-reinstall --no-deps a")


def test_leftovers_of_an_interrupted_upgrade(run, snapshot, environment):
    sick = environment(leftovers=("/v/site-packages/~orch", "/v/my packages/~umpy"))
    (finding,) = run(BROKEN, snapshot(environment=sick))
    assert finding.remedies[0].command == "rm -r -- '/v/site-packages/~orch' '/v/my packages/~umpy'"


@pytest.mark.parametrize("path", ["a/b.py", "a/_c.abi3.so", "lib/libx.so.3", "a\\b.pyd"])
def test_code_is_what_is_imported_or_loaded(path):
    assert is_code(path)
    assert not is_code(f"tests/{path}")
