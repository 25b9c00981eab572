from __future__ import annotations

import json
import sys

import pytest

from envdoctor.errors import InputError
from envdoctor.target import inspection
from envdoctor.target.environment import examine


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    return write


def test_this_interpreter_is_told_as_it_is(tmp_path):
    found = examine(sys.executable, tmp_path)
    assert found.interpreter.path == sys.executable
    assert found.interpreter.version == ".".join(str(part) for part in sys.version_info[:3])
    assert found.interpreter.prefix == sys.prefix
    assert found.interpreter.base_prefix == sys.base_prefix
    assert found.interpreter.start_error == ""
    assert found.distributions["numpy"].files > 100
    assert "tzdata" not in {each.name for each in found.distributions["numpy"].requires}
    assert found.modules["numpy"].endswith("__init__.py")
    assert "sitecustomize" not in found.modules
    assert not any("envdoctor-" in entry for entry in found.interpreter.path_entries)


def test_requirements_are_judged_by_markers():
    found = examine(sys.executable).distributions["envdoctor"]
    names = {each.name for each in found.requires}
    assert "click" in names
    assert "torch" not in names


def test_an_answer_that_was_asked_for_ahead_is_not_asked_for_again(tmp_path, monkeypatch):
    with inspection.Ahead([sys.executable, sys.executable], str(tmp_path)) as ahead:
        monkeypatch.setattr(inspection, "ask", None)
        answer = ahead.answer(sys.executable)
    assert ahead.interpreters == [sys.executable]
    found = examine(sys.executable, answer=answer)
    assert "msgspec" in found.distributions


def test_whom_nobody_asked_ahead_is_asked_now(tmp_path):
    with inspection.Ahead([], str(tmp_path)) as ahead:
        assert ahead.answer(sys.executable).found is not None


def test_the_current_folder_of_the_user_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    (tmp_path / "numpy.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    (shadow,) = examine(sys.executable).shadows
    assert (shadow.module, shadow.path) == ("numpy", str(tmp_path / "numpy.py"))


def test_a_program_that_is_no_python_is_a_usage_error(script):
    with pytest.raises(InputError, match="did not answer"):
        examine(script("exit 0"))


def test_a_program_that_never_ends_is_given_up(script, monkeypatch):
    monkeypatch.setattr(inspection, "EXAMINE_SECONDS", 0.2)
    with pytest.raises(InputError, match="did not answer"):
        examine(script('test "$1" = -V || exec sleep 600'))


def test_a_python_that_is_too_old_says_so(script):
    with pytest.raises(InputError, match=r"is Python 3\.8\.18"):
        examine(script('test "$1" = -V && echo Python 3.8.18'))


@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"interpreter": {"version": "x"}}'])
def test_a_strange_answer_is_no_answer(script, answer):
    with pytest.raises(InputError, match="did not answer"):
        examine(script(f"for each; do case $each in *answer.json) printf '%s' '{answer}' > $each;; esac; done"))  # fmt: skip


def test_an_answer_of_the_wrong_shape_is_no_answer(script):
    answer = {
        "interpreter": {"version": "3.11.0"},
        "markers": {},
        "distributions": [],
        "modules": {},
        "pth_files": [],
        "unseen": [],
        "variables": 3,
    }
    text = json.dumps(answer)
    with pytest.raises(InputError, match="did not answer"):
        examine(script(f"for each; do case $each in *answer.json) printf '%s' '{text}' > $each;; esac; done"))  # fmt: skip
