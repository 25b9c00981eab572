"""What package managers choose."""

from __future__ import annotations

import pytest

from envdoctor.model.environment import CondaPackage, Requirement, Tool

MIXED, CPU, WHEEL = (
    "conda-pip-mixed-core-libs",
    "conda-cpu-build-chosen",
    "python-version-has-no-wheel",
)
CONDA = {"conda": True, "prefix": "/opt/conda"}
NUMPY = CondaPackage(name="numpy", version="1.26.4", build="py311h64a7726_0")


def test_numpy_from_both(run, snapshot, environment, distribution):
    pips = distribution("numpy", "2.4.6", installer="pip")
    sick = environment({"numpy": pips}, interpreter=CONDA, conda_packages=(NUMPY,))
    (finding,) = run(MIXED, snapshot(environment=sick))
    assert finding.evidence[0].fact == "conda: numpy 1.26.4; pip: 2.4.6"
    assert finding.remedies[0].command == (
        "/home/ada/venv/bin/python -m pip uninstall -y numpy && "
        "conda install -p /opt/conda --force-reinstall numpy=1.26.4"
    )


@pytest.mark.parametrize(
    ("version", "installer", "name"),
    [
        ("1.26.4", "conda", "numpy"),
        ("1.26.4", "pip", "numpy"),
        ("2.4.6", "conda", "numpy"),
        ("2.4.6", "pip", "requests"),
    ],
)
def test_one_source_or_no_core_library(
    run, snapshot, environment, distribution, version, installer, name
):
    found = distribution(name, version, installer=installer)
    package = CondaPackage(name=name, version="1.26.4")
    well = environment({name: found}, interpreter=CONDA, conda_packages=(package,))
    assert run(MIXED, snapshot(environment=well)) == []


PYTORCH = CondaPackage(name="pytorch", version="2.7.1", build="cpu_mkl_py311_h1b2c")


def test_a_cpu_build_beside_a_gpu(run, snapshot, environment, machine, nvidia):
    sick = snapshot(
        machine=machine(nvidia=nvidia("570.1", "12.8")),
        environment=environment(interpreter=CONDA, conda_packages=(PYTORCH,)),
    )
    (finding,) = run(CPU, sick)
    assert finding.remedies[0].command == (
        "CONDA_OVERRIDE_CUDA=12.8 conda install -p /opt/conda 'pytorch=*=*cuda*'"
    )


@pytest.mark.parametrize("build", ["cuda126_py311_h1", "py3.11_cuda12.4_cudnn9.1.0_0"])
def test_a_cuda_build_is_well(run, snapshot, environment, machine, nvidia, build):
    package = CondaPackage(name="pytorch", version="2.7.1", build=build)
    well = snapshot(
        machine=machine(nvidia=nvidia()),
        environment=environment(interpreter=CONDA, conda_packages=(package,)),
    )
    assert run(CPU, well) == []


def test_without_a_gpu_or_with_pips_torch_nothing_is_said(
    run, snapshot, environment, distribution, machine, nvidia
):
    bare = environment(interpreter=CONDA, conda_packages=(PYTORCH,))
    assert run(CPU, snapshot(environment=bare)) == []
    torch = distribution("torch", "2.13.0", installer="pip")
    over = environment({"torch": torch}, interpreter=CONDA, conda_packages=(PYTORCH,))
    assert run(CPU, snapshot(machine=machine(nvidia=nvidia()), environment=over)) == []


def test_a_python_without_tensorflow_is_worth_a_note(run, snapshot, environment):
    (finding,) = run(WHEEL, snapshot(environment=environment(python="3.14.1")))
    assert (finding.status, finding.title) == ("info", "There is no TensorFlow for Python 3.14")
    assert finding.remedies[0].command == "python3.13 -m venv ~/.venvs/ml"


def test_what_requires_it_makes_it_a_warning(run, snapshot, environment, distribution):
    user = distribution("tfx", "1", requires=(Requirement(name="tensorflow"),))
    sick = environment({"tfx": user}, python="3.14.1", tools=(Tool(name="uv", path="/bin/uv"),))
    (finding,) = run(WHEEL, snapshot(environment=sick))
    assert (finding.status, finding.evidence[-1].fact) == ("warn", "tfx requires tensorflow")
    assert finding.remedies[0].command == "uv venv --python 3.13 ~/.venvs/ml"
    assert run("declared-dependency-conflict", snapshot(environment=sick)) == []


@pytest.mark.parametrize("python", ["3.9.1", "3.13.0", "3.15.0", "odd"])
def test_other_pythons_are_well(run, snapshot, environment, python):
    assert run(WHEEL, snapshot(environment=environment(python=python))) == []


def test_a_tensorflow_that_is_there_needs_no_wheel(run, snapshot, environment):
    well = environment({"tensorflow": "2.22.0"}, python="3.14.0")
    assert run(WHEEL, snapshot(environment=well)) == []
