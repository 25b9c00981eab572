from __future__ import annotations

import json

import pytest

from envdoctor_keras.facts import collect

BACKEND, PAIR = "keras-backend-missing", "tf-keras-version-mismatch"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.fixture
def case(made, home):
    def make(installed, frameworks=None, **fields):
        bare = made.environment(installed, **fields)
        keras = collect(bare)
        found = {"keras": keras, **(frameworks or {})}
        return made.snapshot(environment=made.environment(installed, frameworks=found, **fields))

    return make


def configure(folder, text):
    folder.mkdir()
    (folder / "keras.json").write_text(text)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"backend": 3}', "{}"])
def test_the_default_backend(made, home, text):
    if text is not None:
        configure(home / ".keras", text)
    found = collect(made.environment({"keras": "3.12.0"}))
    assert found.details == {"backend": "tensorflow", "backend source": "default"}


def test_the_variable_wins_over_the_file(made, home):
    configure(home / ".keras", json.dumps({"backend": "jax"}))
    assert collect(made.environment({"keras": "3.12.0"})).details["backend"] == "jax"
    variables = {"KERAS_BACKEND": "torch"}
    found = collect(made.environment({"keras": "3.12.0"}, variables=variables))
    assert found.details["backend"] == "torch"


def test_another_folder(made, home):
    configure(home / "elsewhere", json.dumps({"backend": "torch"}))
    variables = {"KERAS_HOME": str(home / "elsewhere")}
    found = collect(made.environment({"keras": "3.12.0"}, variables=variables))
    assert found.details["backend"] == "torch"


def test_nothing_is_there(made, home):
    assert collect(made.environment()) is None


def test_missing_backend(run, case):
    variables = {"KERAS_BACKEND": "torch"}
    (finding,) = run(BACKEND, case({"keras": "3.12.0", "jax": "0.10.2"}, variables=variables))
    assert finding.status == "fail"
    assert finding.evidence[1].source == "KERAS_BACKEND"
    commands = [remedy.command for remedy in finding.remedies]
    assert commands[0] == "export KERAS_BACKEND=jax"
    assert commands[1].endswith("-m pip install torch")


def test_the_default_is_only_worth_a_remark(run, case):
    (finding,) = run(BACKEND, case({"keras": "3.12.0", "jax": "0.10.2"}))
    assert finding.status == "info"


def test_an_unknown_backend(run, case):
    (finding,) = run(BACKEND, case({"keras": "3.12.0"}, variables={"KERAS_BACKEND": "theano"}))
    assert "does not know" in finding.title
    assert finding.remedies == ()


@pytest.mark.parametrize(
    ("installed", "backend"),
    [
        ({"keras": "3.12.0", "torch": "2.13.0"}, "torch"),
        ({"keras": "2.15.0"}, "torch"),
        ({"keras": "?"}, "torch"),
    ],
)
def test_no_missing_backend(run, case, installed, backend):
    assert run(BACKEND, case(installed, variables={"KERAS_BACKEND": backend})) == []


def test_a_tensorflow_of_another_name(run, made, case):
    frameworks = {"tensorflow": made.framework("tensorflow", "2.21.0")}
    installed = {"keras": "3.12.0", "tensorflow-cpu": "2.21.0"}
    assert run(BACKEND, case(installed, frameworks)) == []


def test_other_tf_keras(run, made, case):
    frameworks = {"tensorflow": made.framework("tensorflow", "2.21.0")}
    (finding,) = run(PAIR, case({"keras": "3.12.0", "tf-keras": "2.18.0"}, frameworks))
    assert finding.status == "warn"
    assert "'tf-keras==2.21.*'" in finding.remedies[0].command
    assert run(PAIR, case({"tf-keras": "2.21.3"}, frameworks)) == []
    assert run(PAIR, case({"tf-keras": "2.18.0"})) == []
