"""Checks of the interpreter itself: its start, its path, its pip, its notebooks."""

from __future__ import annotations

import pytest

from envdoctor.model.environment import Kernel, PthFile, Shadow, Tool
from envdoctor.model.machine import Platform

PREFIX = "/home/ada/venv"
USER = "/home/ada/.local/lib/python3.11/site-packages"


@pytest.fixture
def found(run, snapshot, environment):
    """The findings of a check in an environment with these fields."""

    def findings(check, distributions=None, *, machine=None, **fields):
        parts = {"environment": environment(distributions, **fields)}
        if machine is not None:
            parts["machine"] = machine
        return run(check, snapshot(**parts))

    return findings


EVERY = (
    "broken-pth",
    "pip-not-of-this-python",
    "externally-managed",
    "x86-python-on-apple-silicon",
    "user-site-leaks-into-env",
    "pythonpath-leak",
    "local-file-shadows-module",
    "jupyter-kernel-other-interpreter",
)


@pytest.mark.parametrize("check", EVERY)
def test_a_healthy_environment_has_no_finding(found, check):
    assert found(check, {"torch": "2.13.0"}) == []


def facts(finding):
    return " ".join(each.fact for each in finding.evidence)


def commands(finding):
    return [each.command for each in finding.remedies if each.command]


# Start-up files


def test_a_python_that_does_not_start_is_a_failure(found):
    pth = PthFile(path="/s/bad.pth", executes=False, error="it is not encoded in UTF-8")
    start = {"start_error": "Fatal Python error: init_import_site"}
    (finding,) = found("broken-pth", interpreter=start, pth_files=(pth,))
    assert finding.status == "fail"
    assert "init_import_site" in facts(finding)
    assert "not encoded" in facts(finding)
    assert "/s/bad.pth" in finding.remedies[0].text


def test_a_misleading_home_is_unset_first(found):
    (finding,) = found(
        "broken-pth",
        interpreter={"start_error": "No module named 'encodings'"},
        variables={"PYTHONHOME": "/opt/other"},
    )
    assert commands(finding) == ["unset PYTHONHOME"]


def test_a_start_that_fails_for_no_known_reason_is_traced(found):
    files = (
        PthFile(path="/s/code.pth", executes=True),
        PthFile(path="/s/paths.pth", executes=False),
    )
    start = {"start_error": "it ended with exit code 3"}
    (finding,) = found("broken-pth", interpreter=start, pth_files=files)
    assert [each.source for each in finding.evidence[1:]] == ["/s/code.pth"]
    assert commands(finding) == ["/home/ada/venv/bin/python -v -c pass"]


def test_a_file_that_fails_is_a_warning_and_one_that_dangles_is_information(found):
    files = (
        PthFile(path="/s/bad.pth", executes=True, error="ModuleNotFoundError: no"),
        PthFile(path="/s/old.pth", executes=False, dangling=("/gone",)),
        PthFile(path="/s/good.pth", executes=True),
    )
    bad, old = found("broken-pth", pth_files=files)
    assert (bad.status, bad.subject) == ("warn", "/s/bad.pth")
    assert "ModuleNotFoundError" in facts(bad)
    assert (old.status, old.subject) == ("info", "/s/old.pth")
    assert "/gone" in facts(old)


# pip


def pip(interpreter, path="/usr/local/bin/pip"):
    return Tool(name="pip", path=path, interpreter=interpreter)


@pytest.mark.parametrize(("variables", "status"), [({"VIRTUAL_ENV": PREFIX}, "warn"), ({}, "info")])
def test_a_pip_of_another_python_is_named(found, variables, status):
    (finding,) = found(
        "pip-not-of-this-python", tools=(pip("/opt/py/bin/python3"),), variables=variables
    )
    assert finding.status == status
    assert "pip runs /opt/py/bin/python3" in facts(finding)
    assert commands(finding) == ["/home/ada/venv/bin/python -m pip install <package>"]


def test_an_active_environment_without_pip_is_no_reason_to_warn(found, run, snapshot, environment):
    bare = environment(tools=(pip("/opt/py/bin/python3"),), variables={"VIRTUAL_ENV": PREFIX})
    del bare.distributions["pip"]
    (finding,) = run("pip-not-of-this-python", snapshot(environment=bare))
    assert finding.status == "info"


@pytest.mark.parametrize(
    "tool",
    [
        pip(f"{PREFIX}/bin/python3.11"),
        pip("/elsewhere/bin/python", path=f"{PREFIX}/bin/pip"),
        pip(""),
        Tool(name="poetry", path="/usr/bin/poetry", interpreter="/opt/py/bin/python3"),
    ],
)
def test_a_pip_of_this_python_or_of_none_is_fine(found, tool):
    active = {"VIRTUAL_ENV": PREFIX}
    assert found("pip-not-of-this-python", tools=(tool,), variables=active) == []


def test_bin_and_usr_bin_are_one_place(found):
    system = {"path": "/usr/bin/python3", "prefix": "/usr", "base_prefix": "/usr"}
    tool = pip("/bin/python3", path="/bin/pip")
    assert found("pip-not-of-this-python", interpreter=system, tools=(tool,)) == []


# The system


def test_a_python_of_the_system_is_information(found):
    (finding,) = found("externally-managed", interpreter={"externally_managed": True})
    assert finding.status == "info"
    assert "-m venv" in commands(finding)[0]


def test_a_translated_python_is_a_warning(found, machine):
    apple = machine(platform=Platform(system="Darwin", architecture="x86_64", translated=True))
    (finding,) = found("x86-python-on-apple-silicon", machine=apple)
    assert finding.status == "warn"
    assert "aarch64" in commands(finding)[0]
    intel = machine(platform=Platform(system="Darwin", architecture="x86_64"))
    assert found("x86-python-on-apple-silicon", machine=intel) == []


# The user site

LEAKY = {"user_site": USER, "user_site_enabled": True}


@pytest.fixture
def leaky(distribution):
    return {
        "distributions": {"numpy": distribution("numpy", "1.24.0", location=USER)},
        "duplicates": (distribution("numpy", "2.1.0"),),
    }


@pytest.mark.parametrize(
    ("conda", "command"),
    [
        (True, f"conda env config vars set -p {PREFIX} PYTHONNOUSERSITE=1"),
        (False, "export PYTHONNOUSERSITE=1"),
    ],
)
def test_a_user_site_that_hides_packages_is_a_warning(found, leaky, conda, command):
    (finding,) = found("user-site-leaks-into-env", interpreter={**LEAKY, "conda": conda}, **leaky)
    assert finding.status == "warn"
    assert "numpy 1.24.0 is imported, not the 2.1.0" in facts(finding)
    assert commands(finding) == [command]


@pytest.mark.parametrize(
    "interpreter",
    [{**LEAKY, "user_site_enabled": False}, {**LEAKY, "prefix": "/usr"}, {"user_site": ""}],
)
def test_a_user_site_that_is_off_or_belongs_there_is_fine(found, leaky, interpreter):
    assert found("user-site-leaks-into-env", interpreter=interpreter, **leaky) == []


def test_a_user_site_that_hides_nothing_is_fine(found, distribution):
    alone = {"numpy": distribution("numpy", "1.24.0", location=USER)}
    assert found("user-site-leaks-into-env", alone, interpreter=LEAKY) == []


def test_two_of_a_name_in_the_user_site_hide_nothing_of_the_environment(found, leaky, distribution):
    leaky["duplicates"] = (distribution("numpy", "1.23.0", location=USER),)
    assert found("user-site-leaks-into-env", interpreter=LEAKY, **leaky) == []


# PYTHONPATH


def test_packages_of_another_python_on_the_path_are_a_warning(found):
    ros = "/opt/ros/humble/lib/python3.10/site-packages"
    (finding,) = found("pythonpath-leak", variables={"PYTHONPATH": f"/home/ada/code:{ros}"})
    assert finding.status == "warn"
    assert facts(finding) == f"{ros} belongs to Python 3.10"
    assert commands(finding) == ["unset PYTHONPATH"]


def test_a_folder_that_hides_packages_is_a_warning(found, distribution):
    (finding,) = found(
        "pythonpath-leak",
        {"numpy": distribution("numpy", "1.24.0", location="/shared/libs")},
        duplicates=(distribution("numpy", "2.1.0"),),
        variables={"PYTHONPATH": "/shared/libs/"},
    )
    assert "/shared/libs hides numpy" in facts(finding)


@pytest.mark.parametrize(
    "value",
    ["", "/home/ada/code", "/opt/lib/python3.11/site-packages", "/home/ada/python3000", ":"],
)
def test_a_folder_of_ones_own_is_fine(found, value):
    assert found("pythonpath-leak", variables={"PYTHONPATH": value}) == []


def test_windows_separates_with_semicolons(found):
    value = r"C:\code;C:\Python39\Lib\site-packages"
    (finding,) = found("pythonpath-leak", variables={"PYTHONPATH": value})
    assert "belongs to Python 3.9" in facts(finding)


# Shadows


@pytest.mark.parametrize(
    ("shadow", "status"),
    [
        (Shadow(module="torch", path="/work/torch.py"), "fail"),
        (Shadow(module="random", path="/work/random.py"), "warn"),
        (Shadow(module="jax", path="/work/jax"), "info"),
        (Shadow(module="torch", path="/work/torch.py", in_package=True), "info"),
    ],
)
def test_a_file_in_the_place_of_a_module_is_named(found, shadow, status):
    modules = {"torch": "/site/torch/__init__.py", "jax": ""}
    (finding,) = found("local-file-shadows-module", modules=modules, shadows=(shadow,))
    assert (finding.status, finding.subject) == (status, shadow.path)
    assert shadow.path in facts(finding)


def test_the_remedy_renames_the_file(found):
    shadow = Shadow(module="torch", path="/my work/torch.py")
    (finding,) = found("local-file-shadows-module", shadows=(shadow,))
    assert commands(finding) == ["mv '/my work/torch.py' '/my work/my_torch.py'"]


# Notebooks


def kernel(name="python3", prefix=PREFIX, *, exists=True):
    return Kernel(
        name=name,
        path=f"/k/{name}/kernel.json",
        interpreter=f"{prefix}/bin/python",
        exists=exists,
        prefix=prefix,
    )


def test_a_kernel_without_its_python_is_a_warning(found):
    (finding,) = found(
        "jupyter-kernel-other-interpreter",
        {"ipykernel": "6.29"},
        kernels=(kernel(), kernel("old", "/gone", exists=False)),
    )
    assert (finding.status, finding.subject) == ("warn", "old")
    assert "/gone/bin/python" in facts(finding)
    assert commands(finding) == [
        f"{PREFIX}/bin/python -m ipykernel install --user --name old --display-name old",
        "jupyter kernelspec remove old",
    ]


def test_a_default_kernel_that_leads_away_is_a_warning(found):
    (finding,) = found(
        "jupyter-kernel-other-interpreter",
        {"jupyterlab": "4.3"},
        kernels=(kernel(prefix="/opt/other"),),
    )
    assert finding.status == "warn"
    assert "/opt/other/bin/python" in facts(finding)
    assert commands(finding) == [
        f"{PREFIX}/bin/python -m pip install ipykernel",
        f"{PREFIX}/bin/python -m ipykernel install --user --name venv --display-name venv",
    ]


def test_an_environment_with_frameworks_and_no_kernel_is_information(found):
    elsewhere = (kernel("other", "/opt/other"),)
    fields = {"kernels": elsewhere, "frameworks": {"torch": "2.13.0"}}
    (finding,) = found("jupyter-kernel-other-interpreter", **fields)
    assert finding.status == "info"
    assert found("jupyter-kernel-other-interpreter", kernels=elsewhere) == []


@pytest.mark.parametrize(
    "kernels",
    [(kernel(),), (kernel("ml"), kernel("other", "/opt/other")), (kernel(prefix=""),)],
)
def test_kernels_that_lead_here_or_anywhere_are_fine(found, kernels):
    fields = {"kernels": kernels, "frameworks": {"torch": "2.13.0"}}
    for distributions in ({}, {"ipykernel": "6.29"}):
        assert found("jupyter-kernel-other-interpreter", distributions, **fields) == []
