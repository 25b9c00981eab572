"""The small looks of the survey: start-up files, variables, kernels, tools, shadows, NumPy."""

from __future__ import annotations

import json
import os
import sys

import pytest

from envdoctor.child.inspection import kernels as kernels_module
from envdoctor.child.inspection.conda import conda_packages
from envdoctor.child.inspection.extensions import NEW_NAME, OLD_NAME, built_for_numpy_one
from envdoctor.child.inspection.folders import Folders
from envdoctor.child.inspection.kernels import kernels
from envdoctor.child.inspection.libraries import openmp_runtimes
from envdoctor.child.inspection.modules import origins, shadows
from envdoctor.child.inspection.paths import Paths
from envdoctor.child.inspection.start_up import start_up_files
from envdoctor.child.inspection.tools import tools
from envdoctor.child.inspection.variables import variables


def paths(prefix, *site_folders):
    return Paths(str(prefix), [], [str(folder) for folder in site_folders], "", False)


def examine_pth(folder, data):
    (folder / "some.pth").write_bytes(data)
    (file,) = start_up_files(paths("", folder), Folders())
    return file


def test_a_sound_start_up_file_has_nothing_to_say(tmp_path):
    (tmp_path / "there").mkdir()
    file = examine_pth(tmp_path, b"# words\nthere\n\nimport sys; x = 1\n")
    assert (file["executes"], file["error"], file["dangling"]) == (True, "", [])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfe\n", "not encoded in UTF-8"),
        (b"a\0b\n", "no text"),
        (b"import sys; if\n", "no Python"),
    ],
)
def test_a_broken_start_up_file_says_why(tmp_path, data, said):
    assert said in examine_pth(tmp_path, data)["error"]


def test_a_folder_that_is_gone_is_named(tmp_path):
    file = examine_pth(tmp_path, b"/no/such/folder\n")
    assert (file["error"], file["dangling"]) == ("", ["/no/such/folder"])


def test_a_folder_called_pth_is_no_file_to_read(tmp_path):
    (tmp_path / "folder.pth").mkdir()
    (file,) = start_up_files(paths("", tmp_path), Folders())
    assert "cannot be read" in file["error"]


def test_variables_that_matter_are_told_and_secrets_are_not(monkeypatch):
    given = {
        "CUDA_VISIBLE_DEVICES": "0",
        "https_proxy": "http://ada:secret@proxy:3128",
        "HF_HOME": "/data/hf",
        "HF_TOKEN": "hf_secret",
        "TF_API_KEY": "secret",
        "TF_VAR_database": "postgres://secret",
        "TF_CLI_CONFIG_FILE": "/home/ada/.terraformrc",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "EDITOR": "vi",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    monkeypatch.setattr(os, "environ", given)
    assert variables() == {
        "CUDA_VISIBLE_DEVICES": "0",
        "HF_HOME": "/data/hf",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "https_proxy": "http://***@proxy:3128",
    }


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.delenv("JUPYTER_PATH", raising=False)

    def write(data, name, text):
        folder = tmp_path / data / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(text if isinstance(text, str) else json.dumps(text))

    return write


def ours(tmp_path):
    """Without those of the system that runs the test."""
    found = kernels(str(tmp_path / "env"), Folders())
    return {each["name"]: each for each in found if each["path"].startswith(str(tmp_path))}


def test_a_kernel_is_known_by_its_program(kernel, tmp_path):
    kernel("user", "mine", {"argv": [sys.executable], "language": "python"})
    kernel("user", "old", {"argv": ["/gone/env/bin/python3"], "language": "Python"})
    kernel("user", "julia", {"argv": ["julia"], "language": "julia"})
    found = ours(tmp_path)
    assert set(found) == {"mine", "old"}
    assert found["mine"]["exists"]
    assert (found["old"]["exists"], found["old"]["prefix"]) == (False, "/gone/env")


def test_a_bare_python_is_that_of_the_environment_it_lies_in(kernel, tmp_path):
    kernel("env/share/jupyter", "python3", {"argv": ["python"], "language": "python"})
    kernel("user", "bare", {"argv": ["python3"], "language": "python"})
    found = ours(tmp_path)
    assert found["python3"]["prefix"] == str(tmp_path / "env")
    assert (found["bare"]["prefix"], found["bare"]["exists"]) == ("", True)


@pytest.mark.parametrize(("prefers", "first"), [("0", "user"), ("1", "env")])
def test_the_first_kernel_of_a_name_counts(kernel, tmp_path, monkeypatch, prefers, first):
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", prefers)
    for data in ("user", "env/share/jupyter"):
        kernel(data, "python3", {"argv": [f"/{data[:4].strip('/')}/bin/python"]})
    assert ours(tmp_path)["python3"]["interpreter"] == f"/{first}/bin/python"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"argv": []}', '{"argv": 3}', "[" * 100_000])
def test_a_damaged_kernel_is_none(kernel, tmp_path, text):
    kernel("user", "damaged", text)
    assert ours(tmp_path) == {}


def test_an_active_conda_environment_goes_before_the_user(monkeypatch):
    monkeypatch.delenv("JUPYTER_PREFER_ENV_PATH", raising=False)
    monkeypatch.setenv("CONDA_PREFIX", sys.base_prefix)
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "ml")
    assert kernels_module._prefers_environment(sys.base_prefix)
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "base")
    assert not kernels_module._prefers_environment(sys.base_prefix)


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    def write(name, data):
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o755)

    return write


@pytest.mark.parametrize(
    ("data", "interpreter"),
    [
        (b"#!/env/bin/python3\nimport pip\n", "/env/bin/python3"),
        (b"#!/bin/sh\n'''exec' \"/a long/env/bin/python\" \"$0\" \"$@\"\n' '''\n", "/a long/env/bin/python"),
        (b"#!/bin/sh\n'''exec' /long/env/bin/python \"$0\" \"$@\"\n' '''\n", "/long/env/bin/python"),
        (b"#!/usr/bin/env bash\nexec pyenv exec\n", ""),
        (b"MZ\x90\0 launcher #!C:\\env\\python.exe\r\nPK", "C:\\env\\python.exe"),
        (b"\x7fELF\0", ""),
        (b"#!\n", ""),
        (b"", ""),
    ],
)  # fmt: skip
def test_the_interpreter_of_a_tool_is_in_its_first_line(command, data, interpreter):
    command("pip", data)
    assert [each["interpreter"] for each in tools()] == [interpreter]


def test_env_is_asked_of_the_path(command, tmp_path):
    command("python3", b"")
    command("pip", b"#!/usr/bin/env python3\n")
    (pip,) = tools()
    assert pip["interpreter"] == str(tmp_path / "python3")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def names(found):
    return [each["module"] for each in found]


def test_files_and_packages_in_the_place_of_modules_are_shadows(here):
    (here / "torch.py").touch()
    (here / "random.py").touch()
    (here / "logging").mkdir()
    (here / "logging" / "__init__.py").touch()
    found = shadows(str(here), {"torch": "/site/torch/__init__.py"})
    assert names(found) == ["logging", "random", "torch"]
    assert not found[0]["in_package"]


def test_what_is_no_module_or_is_never_shadowed_is_none(here):
    for name in ("torch.txt", "os.py", "sys.py", "test.py", "torch.py.orig", "mine.py", "_x.py"):
        (here / name).touch()
    (here / "torch").mkdir()
    (here / "json").mkdir()
    assert shadows(str(here), {"torch": "/site/torch/__init__.py"}) == []


def test_a_bare_folder_is_what_is_left_of_a_module_that_is_nowhere(here):
    (here / "torch").mkdir()
    assert names(shadows(str(here), {"torch": ""})) == ["torch"]


def test_a_framework_that_is_worked_on_does_not_shadow_itself(here):
    (here / "torch").mkdir()
    (here / "torch" / "__init__.py").touch()
    assert shadows(str(here), {"torch": str(here / "torch" / "__init__.py")}) == []
    (here / "torch_extra").mkdir()
    assert names(shadows(str(here), {"torch": str(here / "torch_extra" / "x.py")})) == ["torch"]


def test_files_of_a_package_are_marked(here):
    (here / "__init__.py").touch()
    (here / "types.py").touch()
    assert [each["in_package"] for each in shadows(str(here), {})] == [True]


def test_a_safe_path_has_no_shadows(here, monkeypatch):
    (here / "torch.py").touch()
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    assert shadows(str(here), {"torch": "x"}) == []


def test_no_current_folder_has_no_shadows():
    assert shadows("", {}) == []


def test_a_finder_that_fails_stops_nothing(monkeypatch):
    class Finder:
        __module__ = "__editable___broken_finder"

        @staticmethod
        def find_spec(name, path):
            raise RuntimeError

    monkeypatch.setattr(sys, "meta_path", [Finder])
    found = origins(["json", "no_such_module", "sys"])
    assert found["no_such_module"] == ""
    assert found["sys"] == "built-in"
    assert found["json"].endswith("__init__.py")


def test_only_the_old_name_of_numpy_means_numpy_one(tmp_path):
    def module(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return len(data), str(path)

    found = built_for_numpy_one(
        {
            "old": [module("a.so", b"nothing"), module("b.so", b"\0" * 20 + OLD_NAME + b"\0")],
            "new": [module("c.so", OLD_NAME + b"\0" + NEW_NAME + b"\0")],
            "none": [module("d.so", b"nothing"), module("e.so", b""), (5, str(tmp_path / "gone"))],
        }
    )
    assert found == [{"distribution": "old", "path": str(tmp_path / "b.so")}]


def test_conda_packages_are_told_from_file_names(tmp_path):
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    (meta / "history").touch()
    (meta / "odd.json").touch()
    channel = '{"build": "cpu_generic", "channel": "https://conda.anaconda.org/conda-forge"}'
    (meta / "pytorch-cpu-2.5.1-cpu_generic.json").write_text(channel)
    (found,) = conda_packages(paths(tmp_path), Folders())
    assert (found["name"], found["version"], found["build"]) == (
        "pytorch-cpu",
        "2.5.1",
        "cpu_generic",
    )
    assert found["channel"].endswith("conda-forge")


def test_openmp_of_conda_lies_in_its_library_folder(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libomp.so").touch()
    assert openmp_runtimes([], paths(tmp_path), Folders()) == []
    (tmp_path / "conda-meta").mkdir()
    assert openmp_runtimes([], paths(tmp_path), Folders()) == [str(tmp_path / "lib" / "libomp.so")]
