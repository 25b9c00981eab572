"""NumPy's binary interface and OpenMP runtimes."""

from __future__ import annotations

import pytest

from envdoctor.model.environment import ExtensionAbi, Requirement

SITE = "/home/ada/venv/lib/python3.11/site-packages"
OLD = ExtensionAbi(distribution="bottleneck", path=f"{SITE}/bottleneck/reduce.cpython-311.so")


def test_a_module_built_for_numpy_one_beside_numpy_two(run, snapshot, environment):
    sick = environment({"numpy": "2.4.6", "bottleneck": "1.3.7"}, numpy_one_extensions=(OLD,))
    upgrade, downgrade = _only(run("numpy2-abi-break", snapshot(environment=sick))).remedies
    assert upgrade.command.endswith("-m pip install --upgrade bottleneck")
    assert downgrade.command.endswith("-m pip install 'numpy<2'")


def test_the_finding_names_the_file_and_how_to_verify(run, snapshot, environment):
    sick = environment({"numpy": "2.4.6", "bottleneck": "1.3.7"}, numpy_one_extensions=(OLD,))
    finding = _only(run("numpy2-abi-break", snapshot(environment=sick)))
    assert (finding.status, finding.subject) == ("fail", "bottleneck")
    assert finding.evidence[-1].source == OLD.path
    assert "import bottleneck.reduce" in finding.verify


def test_numpy_one_is_not_offered_where_something_needs_numpy_two(
    run, snapshot, environment, distribution
):
    needs = distribution("jax", "0.10", requires=(Requirement(name="numpy", specifier=">=2.1"),))
    sick = environment(
        {"numpy": "2.4.6", "bottleneck": "1.3.7", "jax": needs}, numpy_one_extensions=(OLD,)
    )
    (only,) = _only(run("numpy2-abi-break", snapshot(environment=sick))).remedies
    assert "--upgrade" in only.command


@pytest.mark.parametrize("numpy", ["1.26.4", "", "unknown"])
def test_with_numpy_one_or_none_all_is_well(run, snapshot, environment, numpy):
    found = {"bottleneck": "1.3.7", **({"numpy": numpy} if numpy else {})}
    well = environment(found, numpy_one_extensions=(OLD,))
    assert run("numpy2-abi-break", snapshot(environment=well)) == []


CONDA = {"conda": True, "prefix": "/opt/conda"}
FROM_CONDA = "/opt/conda/lib/libiomp5.so"
FROM_PIP = "/opt/conda/lib/python3.11/site-packages/torch/lib/libiomp5.so"


def test_two_runtimes_from_two_managers(run, snapshot, environment):
    sick = environment(interpreter=CONDA, openmp_runtimes=(FROM_CONDA, FROM_PIP))
    finding = _only(run("duplicate-openmp-runtime", snapshot(environment=sick)))
    assert [each.source for each in finding.evidence] == [FROM_CONDA, FROM_PIP]
    assert finding.remedies[0].command == "conda install -p /opt/conda nomkl"
    assert "KMP_DUPLICATE_LIB_OK" not in finding.remedies[0].command


@pytest.mark.parametrize(
    "runtimes",
    [
        (FROM_CONDA,),
        (FROM_PIP,),
        (FROM_CONDA, "/opt/conda/lib/libomp.so"),
        ("/opt/conda/lib/libgomp.so", FROM_PIP.replace("iomp5", "gomp-e985bcbb")),
    ],
)
def test_one_manager_or_gnu_runtimes_are_well(run, snapshot, environment, runtimes):
    well = environment(interpreter=CONDA, openmp_runtimes=runtimes)
    assert run("duplicate-openmp-runtime", snapshot(environment=well)) == []


def test_pip_alone_may_bring_several(run, snapshot, environment):
    well = environment(openmp_runtimes=(FROM_CONDA, FROM_PIP))
    assert run("duplicate-openmp-runtime", snapshot(environment=well)) == []


@pytest.mark.parametrize("value", ["TRUE", "1", "True"])
def test_the_variable_that_hides_the_clash(run, snapshot, environment, value):
    sick = environment(variables={"KMP_DUPLICATE_LIB_OK": value})
    finding = _only(run("duplicate-openmp-runtime", snapshot(environment=sick)))
    assert (finding.status, finding.subject) == ("warn", "KMP_DUPLICATE_LIB_OK")
    assert finding.remedies[0].command == "unset KMP_DUPLICATE_LIB_OK"


@pytest.mark.parametrize("value", ["", "FALSE", "0"])
def test_the_variable_switched_off_is_well(run, snapshot, environment, value):
    well = environment(variables={"KMP_DUPLICATE_LIB_OK": value})
    assert run("duplicate-openmp-runtime", snapshot(environment=well)) == []


def _only(findings):
    (finding,) = findings
    return finding
