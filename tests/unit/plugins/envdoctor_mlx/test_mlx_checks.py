"""Facts of MLX from files, and the checks on sick and on nearly sick environments."""

from __future__ import annotations

import pytest

from envdoctor.model.machine import Platform
from envdoctor_mlx.facts import collect

MISSING = "mlx-backend-missing"
OTHER = "mlx-backend-version-mismatch"
COMPILER = "mlx-compile-without-compiler"
COMPILERS = {"g++": "/usr/bin/g++"}


@pytest.fixture
def case(made, tmp_path):
    """A snapshot of a machine with these distributions and, or not, the library."""

    def make(installed, *, library=True, platform=made.HEALTHY_LINUX, **machine):
        folder = tmp_path / "mlx" / "lib"
        folder.mkdir(parents=True, exist_ok=True)
        if library:
            (folder / "libmlx.so").touch()
        here = {
            name: made.distribution(name, text, location=str(tmp_path))
            for name, text in installed.items()
        }
        mlx = collect(made.environment(here))
        frameworks = {"mlx": mlx} if mlx is not None else {}
        return made.snapshot(
            environment=made.environment(here, frameworks=frameworks),
            machine=made.machine(platform=platform, **{"commands": COMPILERS, **machine}),
        )

    return make


def test_the_facts_of_a_sound_installation(case):
    snapshot = case({"mlx": "0.32.4", "mlx-cuda-13": "0.32.4", "mlx-lm": "0.31.0"})
    found = snapshot.environment.frameworks["mlx"]
    assert (found.version, found.cuda) == ("0.32.4", "13")
    assert found.details.pop("library").endswith("libmlx.so")
    assert found.details == {"mlx-cuda-13": "0.32.4"}


def test_nothing_is_there(made):
    assert collect(made.environment({"mlx-lm": "0.31.0"})) is None


def test_no_backend(run, case):
    (finding,) = run(MISSING, case({"mlx": "0.32.4"}, library=False))
    assert finding.status == "fail"
    assert finding.remedies[0].command.endswith("pip install 'mlx[cpu]==0.32.4'")


def test_the_backend_fits_the_machine(run, case, made):
    snapshot = case({"mlx": "0.32.4"}, library=False, nvidia=made.nvidia())
    assert "mlx[cuda12]==0.32.4" in run(MISSING, snapshot)[0].remedies[0].command
    mac = Platform(system="Darwin", architecture="arm64")
    snapshot = case({"mlx": "0.32.4"}, library=False, platform=mac)
    assert "mlx-metal==0.32.4" in run(MISSING, snapshot)[0].remedies[0].command


@pytest.mark.parametrize(
    ("installed", "library"),
    [
        ({"mlx": "0.32.4", "mlx-cpu": "0.32.4"}, True),
        ({"mlx": "0.20.0"}, True),
        ({"mlx": "0.32.4", "mlx-cpu": "0.32.4"}, False),
        ({}, False),
    ],
    ids=["in two parts", "in one part", "its files are another check's", "no mlx"],
)
def test_a_backend_is_there(run, case, installed, library):
    assert run(MISSING, case(installed, library=library)) == []


def test_other_backend(run, case):
    (finding,) = run(OTHER, case({"mlx": "0.32.4", "mlx-cpu": "0.31.0"}))
    assert finding.status == "fail"
    assert finding.remedies[0].command.endswith("pip install mlx-cpu==0.32.4")
    assert run(OTHER, case({"mlx": "0.32.4", "mlx-cpu": "0.32.4", "mlx-lm": "0.31.0"})) == []
    assert run(OTHER, case({})) == []


def test_no_compiler(run, case):
    installed = {"mlx": "0.32.4", "mlx-cpu": "0.32.4"}
    (finding,) = run(COMPILER, case(installed, commands={"gcc": "/usr/bin/gcc"}))
    assert finding.status == "warn"
    assert finding.remedies[0].command
    assert run(COMPILER, case(installed)) == []


def test_a_gpu_needs_no_compiler(run, case):
    installed = {"mlx": "0.32.4", "mlx-cuda-12": "0.32.4"}
    assert run(COMPILER, case(installed, commands={})) == []
