"""The C and C++ libraries of the system."""

from __future__ import annotations

import pytest

from envdoctor.model.machine import Platform

OLD = "/opt/conda/lib/libstdc++.so.6.0.21"
CONDA = {"conda": True, "prefix": "/opt/conda"}


def test_an_old_libstdcxx_of_conda(run, snapshot, environment):
    sick = environment({"torch": "2.13.0"}, interpreter=CONDA, libstdcxx=(OLD, "/lib/x.so"))
    (finding,) = run("glibcxx-too-old", snapshot(environment=sick))
    assert finding.evidence[0].fact == "its newest version is GLIBCXX_3.4.21"
    assert finding.remedies[0].command == (
        "conda install -p /opt/conda -c conda-forge 'libstdcxx-ng>=12'"
    )


def test_an_old_libstdcxx_on_the_path(run, snapshot, environment):
    sick = environment(
        {"torch": "2.13.0"}, libstdcxx=(OLD,), variables={"LD_LIBRARY_PATH": "/opt/conda/lib"}
    )
    (finding,) = run("glibcxx-too-old", snapshot(environment=sick))
    assert finding.remedies[0].command == "unset LD_LIBRARY_PATH"


@pytest.mark.parametrize(
    ("installed", "libraries"),
    [
        ({"torch": "2.13.0"}, ("/lib/libstdc++.so.6.0.24", OLD)),
        ({"torch": "2.6.0"}, (OLD,)),
        ({}, (OLD,)),
        ({"torch": "2.13.0"}, ("/lib/libstdc++.so.6", OLD)),
        ({"torch": "2.13.0"}, ()),
    ],
)
def test_new_enough_or_unknown_is_well(run, snapshot, environment, installed, libraries):
    well = environment(installed, libstdcxx=libraries)
    assert run("glibcxx-too-old", snapshot(environment=well)) == []


def on(libc, architecture="x86_64"):
    return Platform(system="Linux", architecture=architecture, libc=libc)


def test_a_glibc_that_the_wheel_cannot_load_on(run, snapshot, environment, machine):
    sick = snapshot(
        machine=machine(platform=on("glibc 2.17")), environment=environment({"torch": "2.13.0"})
    )
    (finding,) = run("glibc-too-old", sick)
    assert finding.status == "fail"
    assert "torch==2.6.0" in finding.remedies[1].command


def test_a_glibc_that_limits_what_can_be_installed_is_worth_a_note(run, snapshot, machine):
    (finding,) = run("glibc-too-old", snapshot(machine=machine(platform=on("glibc 2.17"))))
    assert finding.status == "info"
    assert "torch 2.6.0" in finding.cause


def test_musl_is_worth_a_note(run, snapshot, machine):
    (finding,) = run("glibc-too-old", snapshot(machine=machine(platform=on("musl 1.2.4"))))
    assert (finding.status, finding.evidence[0].fact) == ("info", "musl 1.2.4")


@pytest.mark.parametrize("libc", ["glibc 2.28", "glibc 2.27", "glibc 2.39", "", "glibc ?"])
def test_a_new_or_unknown_glibc_is_well(run, snapshot, environment, machine, libc):
    well = snapshot(machine=machine(platform=on(libc)), environment=environment({"torch": "2.13"}))
    assert run("glibc-too-old", well) == []


TWO = ("/v/torch.libs/libgomp-6e1a1d1b.so.1", "/v/scikit_learn.libs/libgomp-d22c30c5.so.1.0.0")


def test_several_libgomp_on_arm_are_worth_a_note(run, snapshot, environment, machine):
    found = snapshot(
        machine=machine(platform=on("glibc 2.39", "aarch64")),
        environment=environment(openmp_runtimes=TWO),
    )
    (finding,) = run("static-tls-exhausted", found)
    assert finding.status == "info"
    assert finding.remedies[0].command == f"export LD_PRELOAD={TWO[0]}"


@pytest.mark.parametrize(
    ("architecture", "runtimes", "preload"),
    [("x86_64", TWO, ""), ("aarch64", TWO[:1], ""), ("aarch64", TWO, TWO[0])],
)
def test_elsewhere_one_or_preloaded_is_well(
    run, snapshot, environment, machine, architecture, runtimes, preload
):
    well = snapshot(
        machine=machine(platform=on("glibc 2.39", architecture)),
        environment=environment(openmp_runtimes=runtimes, variables={"LD_PRELOAD": preload}),
    )
    assert run("static-tls-exhausted", well) == []
