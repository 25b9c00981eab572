from __future__ import annotations

import pytest

from envdoctor_tinygrad.facts import collect

MISSING, OTHER = "tinygrad-no-clang", "tinygrad-cc-not-clang"


@pytest.fixture
def case(made):
    def make(commands=(), *, gpu=False, installed=True, platform=None, **variables):
        nvidia = made.nvidia("580.95.05", gpus=(made.gpu(),)) if gpu else None
        fields = {"platform": platform} if platform is not None else {}
        machine = made.machine(
            nvidia=nvidia, commands={name: f"/usr/bin/{name}" for name in commands}, **fields
        )
        frameworks = {"tinygrad": "0.14.0"} if installed else {}
        environment = made.environment(frameworks, frameworks=frameworks, variables=variables)
        return made.snapshot(machine=machine, environment=environment)

    return make


def test_no_clang(run, case):
    (finding,) = run(MISSING, case(["gcc", "cc"]))
    assert finding.status == "info"
    assert finding.remedies[0].command.endswith("install clang")
    assert finding.remedies[0].needs_root


def test_a_compiler_a_gpu_or_no_tinygrad(run, case):
    assert run(MISSING, case(["clang"])) == []
    assert run(MISSING, case(CC="/opt/llvm/bin/clang-17")) == []
    assert run(MISSING, case(gpu=True)) == []
    assert run(MISSING, case(installed=False)) == []


@pytest.mark.parametrize(
    "named", ["gcc", "/usr/bin/gcc-12", "x86_64-conda-linux-gnu-cc", "g++", "arm-gcc-13.2"]
)
def test_another_compiler(run, case, named):
    (finding,) = run(OTHER, case(["clang"], CC=named))
    assert finding.status == "info"
    assert finding.evidence[1].fact == f"CC={named}"
    assert finding.remedies[0].command == "export CC=clang"


@pytest.mark.parametrize(
    "named", ["", "clang", "cc", "/usr/bin/cc", "/usr/bin/clang-14", "arm64-apple-darwin-clang"]
)
def test_a_clang(run, case, named):
    assert run(OTHER, case(CC=named)) == []


def test_another_compiler_for_others(run, case):
    assert run(OTHER, case(installed=False, CC="gcc")) == []


def test_facts(made, tmp_path):
    tinygrad = made.distribution("tinygrad", "0.14.0", location=str(tmp_path))
    found = collect(made.environment({"tinygrad": tinygrad}))
    assert (found.name, found.version) == ("tinygrad", "0.14.0")
    assert found.location == str(tmp_path / "tinygrad")
    assert collect(made.environment()) is None


def test_a_checkout_has_no_version(made, tmp_path):
    module = str(tmp_path / "tinygrad" / "__init__.py")
    found = collect(made.environment(modules={"tinygrad": module}))
    assert (found.version, found.location) == ("", str(tmp_path / "tinygrad"))
