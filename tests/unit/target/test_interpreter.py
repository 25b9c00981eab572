from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envdoctor.errors import ExitCode, InputError
from envdoctor.target import interpreter as interpreter_module
from envdoctor.target.interpreter import Survey, find_interpreter, shorten, survey


@pytest.fixture
def script(tmp_path):
    """Writes a program that is started in the place of an interpreter."""

    def write(text, mode=0o755):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(mode)
        return path

    return write


def seen(interpreter="/env/bin/python", **distributions):
    return Survey(interpreter, "3.11.0", "/env", distributions, {})


def test_the_default_is_this_interpreter():
    assert find_interpreter(None) == sys.executable


def test_a_relative_path_becomes_absolute(script, tmp_path, monkeypatch):
    script("exit 0")
    monkeypatch.chdir(tmp_path)
    assert find_interpreter("./python") == str(tmp_path / "python")


def test_a_link_is_kept_because_it_leads_out_of_its_environment(tmp_path):
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    assert find_interpreter(str(link)) == str(link)


def test_the_home_folder_may_be_a_tilde(script, tmp_path, monkeypatch):
    script("exit 0")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_interpreter("~/python") == str(tmp_path / "python")


def test_a_folder_of_an_environment_stands_for_its_interpreter(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    assert find_interpreter(str(tmp_path)) == str(tmp_path / "bin" / "python")


def test_a_bare_name_is_found_on_the_path(script, tmp_path, monkeypatch):
    script("exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_interpreter("python") == str(tmp_path / "python")


def test_what_is_missing_is_a_usage_error(tmp_path):
    with pytest.raises(InputError, match="not a Python interpreter") as caught:
        find_interpreter(str(tmp_path / "gone"))
    assert caught.value.exit_code == ExitCode.USAGE
    assert "bin/python" in caught.value.hint


def test_a_folder_without_an_interpreter_is_a_usage_error(tmp_path):
    with pytest.raises(InputError, match="not a Python interpreter"):
        find_interpreter(str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may execute what it likes")
def test_what_may_not_be_read_is_a_usage_error(script):
    with pytest.raises(InputError):
        find_interpreter(str(script("exit 0", mode=0o000)))


def test_what_is_not_executable_is_a_usage_error(script):
    with pytest.raises(InputError, match="not a Python interpreter"):
        find_interpreter(str(script("exit 0", mode=0o644)))


def test_a_program_that_is_no_python_did_not_answer(script):
    path = script("exit 0")
    with pytest.raises(InputError, match="did not answer") as caught:
        survey(str(path), ())
    assert str(path) in caught.value.hint


def test_a_program_that_cannot_be_executed_says_so(tmp_path):
    path = tmp_path / "python"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    with pytest.raises(InputError, match="cannot be started"):
        survey(str(path), ())


def test_a_program_that_never_ends_is_given_up(script, monkeypatch):
    monkeypatch.setattr(interpreter_module, "SURVEY_SECONDS", 0.2)
    path = script("exec sleep 600")
    with pytest.raises(InputError, match="cannot be started"):
        survey(str(path), ())


@pytest.mark.parametrize("answer", ["", "no json"])
def test_a_strange_answer_is_no_answer(script, answer):
    path = script(f"printf '%s' '{answer}' > \"$2\"")
    with pytest.raises(InputError, match="did not answer"):
        survey(str(path), ())


def test_a_python_that_is_too_old_is_refused(script):
    answer = '{"version": "3.8.18", "prefix": "", "distributions": {}, "modules": {}}'
    path = script(f"printf '%s' '{answer}' > \"$2\"")
    with pytest.raises(InputError, match=r"is Python 3\.8\.18; .* need 3\.9 or newer"):
        survey(str(path), ())


def test_a_survey_of_this_interpreter_finds_what_is_installed():
    found = survey(sys.executable, ("numpy", "no_such_module", "sys"))
    assert found.interpreter == sys.executable
    assert found.version == ".".join(str(part) for part in sys.version_info[:3])
    assert found.prefix == sys.prefix
    assert found.modules["numpy"].endswith("__init__.py")
    assert found.modules["no_such_module"] == ""
    assert found.modules["sys"] == "built-in"
    assert "numpy" in found.distributions


@pytest.fixture
def traps(tmp_path, monkeypatch):
    """A folder on the target's path whose modules leave a file behind when they are imported."""
    folder = tmp_path / "traps"
    (folder / "trap_package").mkdir(parents=True)
    trap = f"open({str(tmp_path / 'sprung')!r}, 'w')\n"
    (folder / "trap_module.py").write_text(trap)
    (folder / "trap_package" / "__init__.py").write_text(trap)
    (folder / "trap_namespace").mkdir()
    damaged = folder / "damaged-1.0.dist-info"
    damaged.mkdir()
    fine = folder / "Trap_Package-2.5.dist-info"
    fine.mkdir()
    (fine / "METADATA").write_text("Metadata-Version: 2.1\nName: Trap_Package\nVersion: 2.5\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def test_a_survey_imports_nothing(traps, tmp_path):
    found = survey(sys.executable, ("trap_module", "trap_package", "trap_namespace"))
    assert found.modules["trap_module"] == str(traps / "trap_module.py")
    assert found.modules["trap_package"] == str(traps / "trap_package" / "__init__.py")
    assert found.modules["trap_namespace"] == str(traps / "trap_namespace")
    assert not (tmp_path / "sprung").exists()


def test_a_damaged_distribution_stops_no_survey(traps):
    found = survey(sys.executable, ("trap_module", "again"))
    assert found.distributions["trap-package"] == "2.5"
    assert "numpy" in found.distributions


def test_a_survey_does_not_take_its_own_folder_for_the_targets():
    # `protocol` lies beside the survey's script.
    assert survey(sys.executable, ("protocol", "worker")).modules == {"protocol": "", "worker": ""}


def test_a_survey_leaves_no_byte_code_in_the_target(traps):
    survey(sys.executable, ("trap_module", "once more"))
    assert list(traps.rglob("__pycache__")) == []


def test_what_start_up_files_print_is_not_taken_for_the_answer(traps):
    (traps / "sitecustomize.py").write_text("print('{}')\n")
    assert survey(sys.executable, ("trap_module", "chatter")).modules["trap_module"]


def test_the_first_installed_distribution_counts():
    found = seen(**{"tensorflow-cpu": "2.21", "other": "1.0"})
    assert found.version_of(("tensorflow", "tensorflow_CPU")) == ("tensorflow_CPU", "2.21")
    assert found.version_of(("torch",)) is None


def test_pip_is_asked_where_there_is_pip():
    command = seen(pip="24.0").install_command("torch>=2.4", "numpy")
    assert command == '/env/bin/python -m pip install "torch>=2.4" "numpy"'


def test_uv_is_asked_where_there_is_no_pip(script, tmp_path, monkeypatch):
    script("exit 0").rename(tmp_path / "uv")
    monkeypatch.setenv("PATH", str(tmp_path))
    command = seen().install_command("torch>=2.4")
    assert command == 'uv pip install --python /env/bin/python "torch>=2.4"'


def test_pip_is_fetched_where_there_is_neither(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    command = seen().install_command("numpy")
    python = "/env/bin/python"
    assert command == f'{python} -m ensurepip && {python} -m pip install "numpy"'


def test_a_path_with_a_space_is_quoted():
    command = seen("/my envs/bin/python", pip="24.0").install_command("numpy")
    assert command == "'/my envs/bin/python' -m pip install \"numpy\""


def test_the_interpreter_that_python_means_is_called_python(script, tmp_path, monkeypatch):
    path = script("exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shorten(str(path)) == "python"
    assert shorten(str(Path("/other/python"))) == "/other/python"
