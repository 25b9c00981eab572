from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Command = Callable[..., Any]


def test_plugins_as_json(command: Command) -> None:
    answer = command("plugins", "--format", "json")
    assert (answer.code, answer.err) == (0, "")
    found = json.loads(answer.out)
    names = [row["name"] for row in found["backends"]]
    assert names == sorted(names)
    assert {"numpy", "torch", "tensorflow", "jax"} <= set(names)
    for row in found["backends"]:
        assert row["runs"] or (row["reason"] and row["remedy"]), row
    assert found["broken"] == []


def test_plugins_for_people(command: Command) -> None:
    answer = command("plugins")
    assert answer.code == 0
    assert "numpy" in answer.out


def test_a_plugin_that_is_switched_off_is_listed_as_that(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVDOCTOR_DISABLE_PLUGINS", "jax, nonsense")
    found = json.loads(command("plugins", "--format", "json").out)
    assert found["disabled"] == ["jax"]
    assert "jax" not in [row["name"] for row in found["backends"]]
    assert [broken["plugin"] for broken in found["broken"]] == ["nonsense"]


def test_workloads_as_json(command: Command) -> None:
    answer = command("workloads", "mlp-tiny", "vit-tiny", "--format", "json")
    assert (answer.code, answer.err) == (0, "")
    rows = json.loads(answer.out)["workloads"]
    assert [(row["name"], row["parameters"]) for row in rows] == [
        ("mlp-tiny", 26_122),
        ("vit-tiny", 102_218),
    ]


@pytest.mark.parametrize("width", ["40", "80", "140"])
def test_workloads_fit_the_terminal(
    width: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    answer = command("workloads", "mlp-tiny", "cnn-tiny")
    assert answer.code == 0
    assert "26,122" in answer.out
    assert max(map(len, answer.out.splitlines())) <= int(width)
