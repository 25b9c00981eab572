"""NVIDIA's libraries as distributions."""

from __future__ import annotations

import pytest

from envdoctor.model.environment import Clash, Requirement

MIXED = "nvidia-cu12-cu13-mixed"
CONFLICT = "torch-tf-pin-conflict"
BAD = "known-bad-cublas-cudnn"
SHARED = Clash(
    owners=("nvidia-nvshmem-cu12", "nvidia-nvshmem-cu13"),
    paths=("nvidia/nvshmem/lib/libnvshmem_host.so.3",),
    count=12,
)
BOTH = {"nvidia-nvshmem-cu12": "3.3.20", "nvidia-nvshmem-cu13": "3.3.24"}


def test_two_majors_in_the_same_files(run, snapshot, environment, distribution):
    torch = distribution(
        "torch", "2.12.1", requires=(Requirement(name="nvidia-nvshmem-cu13", specifier="==3.3.24"),)
    )
    sick = snapshot(environment=environment({"torch": torch, **BOTH}, clashes=(SHARED,)))
    (finding,) = run(MIXED, sick)
    assert (finding.status, finding.subject) == ("warn", "nvidia-nvshmem")
    assert finding.remedies[0].command.endswith(
        "--force-reinstall --no-deps nvidia-nvshmem-cu13==3.3.24"
    )
    assert run("two-distributions-own-one-package", sick) == []


def test_libraries_that_a_removal_took_along(run, snapshot, environment, distribution):
    lost = distribution("nvidia-nvshmem-cu13", "3.3.24", missing=SHARED.paths, missing_count=12)
    sick = snapshot(environment=environment({lost.name: lost}))
    (finding,) = run(MIXED, sick)
    assert (finding.status, finding.subject) == ("fail", lost.name)
    assert run("broken-install-record-mismatch", sick) == []


@pytest.mark.parametrize(
    "clashes", [(), (Clash(owners=tuple(BOTH), paths=("nvidia/__init__.py",), count=1),)]
)
def test_both_majors_side_by_side_are_well(run, snapshot, environment, clashes):
    assert run(MIXED, snapshot(environment=environment(BOTH, clashes=clashes))) == []


@pytest.fixture
def pinned(distribution):
    pins = (Requirement(name="nvidia-nccl-cu12", specifier="==2.27.5"),)
    return distribution("torch", "2.10.0", requires=pins)


def test_tensorflow_has_overwritten_what_torch_pins(run, snapshot, environment, pinned):
    sick = snapshot(
        environment=environment(
            {"torch": pinned, "tensorflow": "2.21.0", "nvidia-nccl-cu12": "2.29.3"}
        )
    )
    (finding,) = run(CONFLICT, sick)
    assert finding.status == "warn"
    assert any("2.29.3 is installed" in each.fact for each in finding.evidence)
    assert finding.remedies[1].command.endswith("--no-deps nvidia-nccl-cu12==2.27.5")
    assert run("declared-dependency-conflict", sick) == []


def test_a_pair_that_cannot_be_resolved_is_worth_a_note(
    run, snapshot, environment, machine, nvidia, pinned
):
    found = snapshot(
        machine=machine(nvidia=nvidia()),
        environment=environment(
            {"torch": pinned, "tensorflow": "2.21.0", "nvidia-nccl-cu12": "2.27.5"}
        ),
    )
    (finding,) = run(CONFLICT, found)
    assert (finding.status, "2.27.7" in finding.evidence[-1].fact) == ("info", True)


@pytest.mark.parametrize(
    "installed",
    [
        {"torch": "2.10.0", "tensorflow": "2.21.0"},
        {"torch": "2.13.0", "tensorflow-cpu": "2.21.0"},
        {"torch": "2.13.0"},
        {"tensorflow": "2.21.0"},
        {"torch": "9.0", "tensorflow": "9.0"},
    ],
)
def test_without_a_gpu_or_a_conflict_both_are_well(run, snapshot, environment, installed):
    assert run(CONFLICT, snapshot(environment=environment(installed))) == []


@pytest.fixture
def on_gpus(snapshot, environment, machine, nvidia, gpu):
    """`on_gpus({"nvidia-cublas": "13.1"}, "10.0", count=2)`."""

    def make(installed, capability, count=1, driver="580.95.05", **fields):
        cards = tuple(gpu(index=i, compute_capability=capability) for i in range(count))
        return snapshot(
            machine=machine(nvidia=nvidia(driver, gpus=cards)),
            environment=environment(installed, **fields),
        )

    return make


def test_a_cublas_that_computes_wrongly_on_this_gpu(run, on_gpus):
    (finding,) = run(BAD, on_gpus({"torch": "2.13.0", "nvidia-cublas": "13.1.0.3"}, "10.0"))
    assert (finding.status, finding.subject) == ("warn", "cublas-tensor-memory")
    assert finding.evidence[0].fact == "nvidia-cublas 13.1.0.3"
    assert finding.remedies[0].command.endswith("--upgrade 'torch>=2.15.0'")


@pytest.mark.parametrize(("python", "driver"), [("3.10.4", "580.95.05"), ("3.11.4", "570.10")])
def test_no_torch_is_named_that_cannot_be_had(run, on_gpus, python, driver):
    sick = on_gpus(
        {"torch": "2.13.0", "nvidia-cublas-cu12": "12.8.4.1"}, "10.0", driver=driver, python=python
    )
    (finding,) = run(BAD, sick)
    assert [each.command for each in finding.remedies] == [""]


def test_a_cudnn_that_breaks_binaries(run, on_gpus):
    (finding,) = run(BAD, on_gpus({"nvidia-cudnn-cu12": "9.10.0.56"}, "8.9"))
    assert finding.subject == "cudnn-9.10.0"
    assert finding.remedies[0].command.endswith("'nvidia-cudnn-cu12>=9.10.2,<10'")


def test_a_pair_that_computes_wrongly_on_several_gpus(run, on_gpus):
    pair = {"nvidia-cudnn-cu12": "9.8.0.87", "nvidia-cublas-cu12": "12.9.0.13"}
    (finding,) = run(BAD, on_gpus(pair, "9.0", count=2))
    assert finding.subject == "cudnn-several-gpus"
    assert run(BAD, on_gpus(pair, "9.0")) == []


def test_a_capability_that_could_not_be_read(run, on_gpus):
    (finding,) = run(BAD, on_gpus({"nvidia-cublas": "13.1.0.3"}, ""))
    assert finding.status == "error"


@pytest.mark.parametrize(
    ("version", "capability"),
    [
        ("13.1.0.3", "9.0"),
        ("13.1.0.3", "12.0"),
        ("13.2.0.1", "10.0"),
        ("12.7.9", "10.0"),
        ("odd", "10.0"),
    ],
)
def test_outside_the_window_all_is_well(run, on_gpus, version, capability):
    assert run(BAD, on_gpus({"nvidia-cublas": version}, capability)) == []


def test_without_a_gpu_all_is_well(run, snapshot, environment):
    assert run(BAD, snapshot(environment=environment({"nvidia-cublas": "13.1.0.3"}))) == []
