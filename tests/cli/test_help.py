from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest

from envdoctor import __version__
from envdoctor.cli.grouped import GroupedCommand
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
    assert 2 <= len(examples) <= 9, answer.out
    assert "\\b" not in answer.out
    assert "\b" not in answer.out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_is_explained(words: tuple[str, ...]) -> None:
    command = main.commands[words[0]] if words else main
    for option in command.params:
        shown = option.param_type_name == "option" and not option.hidden
        if shown:
            assert option.help, option.name


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_fits_eighty_columns(
    words: tuple[str, ...], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = command(*words, "--help").out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert len(lines) <= 64


GROUPED = [each for each in main.commands.values() if isinstance(each, GroupedCommand)]


@pytest.mark.parametrize("grouped", GROUPED, ids=lambda each: each.name)
def test_headings_name_options_that_exist_and_no_option_is_lost(grouped: GroupedCommand) -> None:
    named = [name for names in grouped.headings.values() for name in names]
    shown = {
        option.opts[0]
        for option in grouped.params
        if isinstance(option, click.Option) and not option.hidden
    }
    absent = set(named) - shown - {"--precision"}  # which only some of the commands have
    assert absent == set()
    assert len(named) == len(set(named))
    sections = grouped.sections(click.Context(grouped))
    assert sum(len(records) for records in sections.values()) == len(shown) + 1  # and --help


@pytest.mark.parametrize("name", ["--quick", "--rigorous", "--time-limit", "--margin", "--fresh"])
def test_how_thoroughly_to_measure_is_in_the_help(name: str, command: Command) -> None:
    assert f"  {name} " in command("bench", "--help").out


def test_a_context_without_our_settings_takes_no_option_away(command: Command) -> None:
    for each in (main, *main.commands.values()):
        option = each.get_help_option(click.Context(each))
        assert option is not None
        assert option.opts == ["-h", "--help"], each.name
    assert command("bench", "-h").out == command("bench", "--help").out


def test_short_help_and_version(command: Command) -> None:
    assert command("-h").out == command("--help").out
    assert command("--version").out == f"envdoctor, version {__version__}\n"


def test_without_a_command_it_shows_its_help(command: Command) -> None:
    answer = command()
    assert "Commands:" in answer.out + answer.err
