from __future__ import annotations

import pytest

from envdoctor_jax.facts import collect

CPU, PLUGIN, PAIR = "jax-cpu-only-on-gpu-host", "jax-plugin-version-mismatch", "jax-jaxlib-mismatch"
OLD_GPU, PYTHON = "jax-gpu-too-old", "jax-python-too-old"


@pytest.fixture
def case(made):
    def make(version="0.10.2", jaxlib="0.10.2", installed=None, driver="580.95.05", **more):
        capability = more.pop("capability", "8.9")
        gpus = (made.gpu(compute_capability=capability),)
        nvidia = made.nvidia(driver, gpus=gpus) if driver is not None else None
        jax = made.framework(
            "jax", version, cuda=more.pop("cuda", None), details=more.pop("details", {})
        )
        found = {"jax": version, **({"jaxlib": jaxlib} if jaxlib else {}), **(installed or {})}
        return made.snapshot(
            machine=made.machine(nvidia=nvidia),
            environment=made.environment(found, frameworks={"jax": jax}, **more),
        )

    return make


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({}, "jax[cuda13]==0.10.2"),
        ({"driver": "570.86.15"}, "jax[cuda12]==0.10.2"),
        ({"capability": "7.0"}, "jax[cuda12]==0.10.2"),
        ({"version": "0.6.2"}, "jax[cuda12]==0.6.2"),
    ],
)
def test_cpu_only(run, case, facts, wanted):
    (finding,) = run(CPU, case(**facts))
    assert finding.status == "fail"
    assert "580" in finding.evidence[1].fact or "570" in finding.evidence[1].fact
    assert finding.remedies[0].command.endswith(f"-m pip install '{wanted}'")


@pytest.mark.parametrize(
    "healthy",
    [
        {"cuda": "12"},
        {"driver": None},
        {"capability": "5.0"},
        {"driver": "470.1"},
        {"variables": {"JAX_PLATFORMS": "cpu"}},
        {"variables": {"CUDA_VISIBLE_DEVICES": ""}},
        {"version": "0.4.20"},
    ],
)
def test_no_cpu_only(run, case, healthy):
    assert run(CPU, case(**healthy)) == []


def test_wrong_plugin(run, case):
    installed = {"jax-cuda12-plugin": "0.9.2", "jax-cuda12-pjrt": "0.10.2"}
    (finding,) = run(PLUGIN, case(installed=installed, cuda="12"))
    assert [each.fact for each in finding.evidence] == ["jaxlib 0.10.2", "jax-cuda12-plugin 0.9.2"]
    assert "'jax[cuda12]==0.10.2'" in finding.remedies[0].command


@pytest.mark.parametrize(
    "installed",
    [
        {},
        {"jax-cuda12-plugin": "0.10.2"},
        {"jax-rocm7-plugin": "0.9.0"},
        {"jax-cuda12-plugin": "?"},
    ],
)
def test_no_wrong_plugin(run, case, installed):
    assert run(PLUGIN, case(installed=installed)) == []


@pytest.mark.parametrize(
    ("jaxlib", "least", "words"),
    [("0.11.0", "", "newer"), ("0.9.0", "0.10.1", "0.10.1"), (None, "", "not there")],
)
def test_wrong_jaxlib(run, case, jaxlib, least, words):
    (finding,) = run(PAIR, case(jaxlib=jaxlib, details={"minimum jaxlib": least}))
    assert finding.status == "fail"
    assert words in finding.cause
    assert "'jaxlib==0.10.2'" in finding.remedies[0].command or "jaxlib==0.10.2" in str(finding)


@pytest.mark.parametrize(
    ("jaxlib", "least"), [("0.10.2", "0.10.1"), ("0.10.1", "0.10.1"), ("x", ""), ("0.10.0", "")]
)
def test_no_wrong_jaxlib(run, case, jaxlib, least):
    assert run(PAIR, case(jaxlib=jaxlib, details={"minimum jaxlib": least})) == []


def test_old_gpu(run, case):
    (finding,) = run(OLD_GPU, case(cuda="13", capability="7.0"))
    assert "'jax[cuda12]==0.10.2'" in finding.remedies[0].command
    assert run(OLD_GPU, case(cuda="13", capability="7.5")) == []
    assert run(OLD_GPU, case(cuda="99", capability="7.5")) == []
    assert run(OLD_GPU, case(cuda="13", capability="")) == []


def test_old_python(run, case):
    (finding,) = run(PYTHON, case("0.11.0", python="3.11.9"))
    assert "3.12" in finding.title
    assert finding.remedies[0].command.endswith("'jax<0.11.0'")
    assert run(PYTHON, case("0.11.0", python="3.12.0")) == []
    assert run(PYTHON, case("0.10.2", python="3.11.0")) == []


def test_facts(made, tmp_path):
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "version.py").write_text("_minimum_jaxlib_version = '0.10.1'\n")
    installed = {
        "jax": made.distribution("jax", "0.10.2", location=str(tmp_path)),
        "jaxlib": "0.10.2",
        "jax-cuda12-plugin": "0.10.2",
        "jax-cuda13-pjrt": "0.10.2",
        "libtpu": "0.0.20",
    }
    found = collect(made.environment(installed))
    assert (found.version, found.cuda) == ("0.10.2", "13")
    assert found.details["minimum jaxlib"] == "0.10.1"
    assert found.details["jax-cuda12-plugin"] == "0.10.2"
    assert found.details["libtpu"] == "0.0.20"
    assert collect(made.environment()) is None
