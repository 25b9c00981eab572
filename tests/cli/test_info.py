from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envdoctor.errors import ExitCode
from envdoctor.model.doctor_codec import read_snapshot

Command = Callable[..., Any]


def test_the_facts_are_a_block_of_labels(command: Command) -> None:
    answer = command("info")
    assert (answer.code, answer.err) == (ExitCode.DONE, "")
    labels = [line.partition(":")[0] for line in answer.out.splitlines()]
    assert labels[:4] == ["envdoctor", "system", "processor", "memory"]
    assert "python" in labels


def test_markdown_is_the_same_in_a_fence(command: Command) -> None:
    out = command("info", "--format", "markdown").out
    assert out.strip().startswith("```text")
    assert out.strip().endswith("```")


def test_what_info_writes_check_reads(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    answer = command("info", "--format", "json", "--output", path)
    assert (answer.code, answer.out) == (ExitCode.DONE, "")
    assert "click" in read_snapshot(path).environment.distributions
    judged = command("check", "--facts", path, "--format", "json")
    assert judged.code in {ExitCode.DONE, ExitCode.PROBLEMS, ExitCode.INCOMPLETE}
    assert json.loads(judged.out)["targets"][0]["snapshot"]["schema"] == 1


def test_names_stay_at_home_unless_told_otherwise(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", "/home/ada/models")
    shown = command("info", "--format", "json").out
    assert "/home/ada" not in shown
    assert "~/models" in shown
    assert "/home/ada/models" in command("info", "--format", "json", "--no-redact").out


def test_an_interpreter_that_is_none_is_wrong_usage(command: Command, tmp_path: Path) -> None:
    assert command("info", "--python", tmp_path).code == ExitCode.USAGE


def test_a_place_that_cannot_be_written_is_wrong_usage(command: Command, tmp_path: Path) -> None:
    assert command("info", "--output", tmp_path).code == ExitCode.USAGE
