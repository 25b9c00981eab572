from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import CudaToolkit, Library, Nvidia, Platform


def toolkit(version: str, path: str = "/usr/local/cuda") -> CudaToolkit:
    return CudaToolkit(path=path, version=version, origin="CUDA_HOME")


@pytest.fixture
def cuda_torch(environment, framework):
    def build(**fields: Any) -> Any:
        torch = framework("torch", "2.13.0", cuda="13.0")
        return environment({"triton": "3.7.1"}, frameworks={"torch": torch}, **fields)

    return build


def test_a_toolkit_of_another_major(run, snapshot, machine, cuda_torch):
    sick = machine(cuda_toolkits=(toolkit("12.4.1"),))
    (found,) = run(
        "multi-cuda-toolkits-nvcc-mismatch", snapshot(machine=sick, environment=cuda_torch())
    )
    assert found.status == "info"
    assert "12.4.1" in found.evidence[0].fact
    both = machine(cuda_toolkits=(toolkit("12.4.1"), toolkit("13.0.2", "/usr/local/cuda-13.0")))
    (found,) = run(
        "multi-cuda-toolkits-nvcc-mismatch", snapshot(machine=both, environment=cuda_torch())
    )
    assert found.remedies[0].command == "export CUDA_HOME=/usr/local/cuda-13.0"
    conda = cuda_torch(interpreter={"conda": True, "prefix": "/opt/env"})
    (found,) = run("multi-cuda-toolkits-nvcc-mismatch", snapshot(machine=sick, environment=conda))
    assert found.remedies[0].command == "conda install -p /opt/env -c nvidia 'cuda-nvcc=13.0.*'"


@pytest.mark.parametrize("version", ["13.2", "13.0.1", ""])
def test_a_toolkit_that_fits_or_says_nothing(version, run, snapshot, machine, cuda_torch):
    fine = snapshot(machine=machine(cuda_toolkits=(toolkit(version),)), environment=cuda_torch())
    assert run("multi-cuda-toolkits-nvcc-mismatch", fine) == []


@pytest.mark.parametrize(
    ("distribution", "command"),
    [
        ("ubuntu", "sudo apt install build-essential python3-dev"),
        ("fedora", "sudo dnf install gcc gcc-c++ python3-devel"),
        ("arch", "sudo pacman -S base-devel"),
        ("nixos", ""),
    ],
)
def test_no_compiler(distribution, command, run, snapshot, machine, nvidia, cuda_torch):
    sick = machine(platform=Platform(system="Linux", distribution=distribution), nvidia=nvidia())
    (found,) = run("no-c-compiler-for-triton", snapshot(machine=sick, environment=cuda_torch()))
    assert (found.status, found.remedies[0].command) == ("warn", command)


def test_without_a_gpu_a_compiler_is_optional(run, snapshot, machine, environment):
    bare = snapshot(machine=machine(), environment=environment({"torch": "2.13.0"}))
    (found,) = run("no-c-compiler-for-triton", bare)
    assert found.status == "info"
    assert run("no-c-compiler-for-triton", snapshot()) == []


def test_headers_count_and_so_does_the_variable(run, snapshot, machine, environment):
    def judged(commands: dict[str, str], **fields: Any) -> Any:
        given = snapshot(
            machine=machine(commands=commands),
            environment=environment({"torch": "2.13.0"}, **fields),
        )
        return run("no-c-compiler-for-triton", given)

    (found,) = judged({"gcc": "/usr/bin/gcc"}, interpreter={"has_headers": False})
    assert "Python.h" in found.evidence[0].fact
    assert judged({"clang": "/usr/bin/clang"}, interpreter={"has_headers": True}) == []
    assert judged({}, variables={"CC": "/opt/cc"}) == []


def test_stubs_on_the_loaders_path(run, snapshot, machine, cuda_torch):
    variables = {"LD_LIBRARY_PATH": "/usr/local/cuda/lib64/stubs:/opt/lib"}
    stub = Library(soname="libcuda.so.1", path="/usr/local/cuda/lib64/stubs/libcuda.so.1")
    sick = machine(nvidia=Nvidia(cuda_libraries=(stub,)))
    (found,) = run(
        "cuda-stub-first", snapshot(machine=sick, environment=cuda_torch(variables=variables))
    )
    assert found.status == "fail"
    assert found.remedies[0].command == "export LD_LIBRARY_PATH=/opt/lib"
    only_path = snapshot(environment=cuda_torch(variables=variables))
    assert [each.status for each in run("cuda-stub-first", only_path)] == ["warn"]
    fine = cuda_torch(variables={"LD_LIBRARY_PATH": "/opt/stubs/lib"})
    assert run("cuda-stub-first", snapshot(environment=fine)) == []
