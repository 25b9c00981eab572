from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from envdoctor import __version__
from envdoctor.cli.main import main

Command = Callable[..., Any]
COMMANDS = [(), *[(name,) for name in main.commands]]


@pytest.mark.parametrize("width", ["40", "80", "200"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_has_examples_that_can_be_copied(
    words: tuple[str, ...], width: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    answer = command(*words, "--help")
    assert answer.code == 0
    assert answer.err == ""
    start = " ".join(("  envdoctor", *words))
    examples = [line for line in answer.out.splitlines() if line.startswith(start)]
    assert len(examples) >= 2, answer.out
    assert "\\b" not in answer.out
    assert "\b" not in answer.out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_is_explained(words: tuple[str, ...]) -> None:
    command = main.commands[words[0]] if words else main
    for option in command.params:
        shown = option.param_type_name == "option" and not option.hidden
        if shown and option.name not in {"seed", "format_name"}:
            assert option.help, option.name


@pytest.mark.parametrize("name", ["--quick", "--rigorous", "--time-limit", "--margin", "--fresh"])
def test_how_thoroughly_to_measure_is_in_the_help(name: str, command: Command) -> None:
    assert f"  {name} " in command("bench", "--help").out


def test_short_help_and_version(command: Command) -> None:
    assert command("-h").out == command("--help").out
    assert command("--version").out == f"envdoctor, version {__version__}\n"


def test_without_a_command_it_shows_its_help(command: Command) -> None:
    answer = command()
    assert "Commands:" in answer.out + answer.err
