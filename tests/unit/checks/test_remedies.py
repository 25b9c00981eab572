"""Commands that a user copies: for the right interpreter, and in words that the tool accepts."""

from __future__ import annotations

import shlex

import pytest
from msgspec import structs

from envdoctor.checks import remedies
from envdoctor.model.environment import Tool

PYTHON = "/home/ada/my env/bin/python"
UV = (Tool(name="uv", path="/usr/bin/uv"),)
HOME = {"path": PYTHON}


@pytest.fixture
def without_pip(environment):
    """An environment that has nothing installed, with these tools beside it."""

    def make(**fields):
        return structs.replace(environment(interpreter=HOME, **fields), distributions={})

    return make


def test_pip_is_that_of_the_interpreter(environment):
    here = environment({"pip": "26.0"}, interpreter=HOME)
    found = remedies.install(here, "torch>=2", options="--no-deps", text="Installs it.")
    assert shlex.split(found.command) == [
        *(PYTHON, "-m", "pip", "install"),
        *("--no-deps", "torch>=2"),
    ]
    assert found.text == "Installs it."


def test_uv_names_the_interpreter_after_the_verb_and_asks_nothing(without_pip):
    here = without_pip(tools=UV)
    assert remedies.uses_uv(here)
    assert shlex.split(remedies.pip(here, "check")) == ["uv", "pip", "check", "--python", PYTHON]
    found = remedies.uninstall(here, "pynvml", text="Removes it.")
    assert shlex.split(found.command) == ["uv", "pip", "uninstall", "--python", PYTHON, "pynvml"]


def test_an_environment_with_pip_needs_no_uv(environment):
    here = environment({"pip": "26.0"}, interpreter=HOME, tools=UV)
    assert not remedies.uses_uv(here)
    assert "-y pynvml" in remedies.uninstall(here, "pynvml", text="Removes it.").command


def test_without_any_installer_pip_comes_first(without_pip):
    here = without_pip()
    first, _, second = remedies.pip(here, "install").partition(" && ")
    assert shlex.split(first) == [PYTHON, "-m", "ensurepip"]
    assert shlex.split(second) == [PYTHON, "-m", "pip", "install"]


def test_a_python_of_the_system_is_left_alone(environment):
    here = environment({"pip": "26.0"}, interpreter={**HOME, "externally_managed": True})
    found = remedies.install(here, "torch", text="Installs it.")
    make, _, use = found.command.partition(" && ")
    assert shlex.split(make)[:3] == [PYTHON, "-m", "venv"]
    assert "bin/python -m pip install torch" in use
    assert "environment of its own" in found.text


def test_a_line_of_python_survives_the_shell(environment):
    here = environment({}, interpreter=HOME)
    command = remedies.run_python(here, "print('it works')")
    assert shlex.split(command) == [PYTHON, "-c", "print('it works')"]
