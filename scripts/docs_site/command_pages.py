"""A page for each command, made from the Click objects that parse it."""

# ruff: noqa: INP001

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from envdoctor.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

CODES = """\
| code | meaning |
|---|---|
| 0 | everything was done, and nothing was found wrong |
| 1 | everything was done, and something was found |
| 2 | wrong usage, an unknown name, or input that cannot be read |
| 3 | what was asked for could not be completed, or told |
| 130 | interrupted; what was finished is kept |
"""
"""What scripts may rely on, in all commands."""


def command_pages() -> dict[str, str]:
    """The pages by their path on the site, with an overview."""
    pages = {f"commands/{'-'.join(words)}.md": _page(words, each) for words, each in commands()}
    return {"commands/index.md": _overview(), **pages}


def commands(
    group: click.Group = main, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that is shown, with the words that call it; groups before what is in them."""
    for name in sorted(group.commands):
        command = group.commands[name]
        if command.hidden:
            continue
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))


def _overview() -> str:
    lines = ["# Commands", "", "| command | what it does |", "|---|---|"]
    for words, command in commands():
        said = _cell(command.get_short_help_str(limit=200))
        lines.append(f"| [envdoctor {' '.join(words)}]({'-'.join(words)}.md) | {said} |")
    lines += ["", "## Of all commands", "", *_options(main, click.Context(main)), ""]
    return "\n".join([*lines, "## Exit codes", "", CODES])


def _page(words: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(("envdoctor", *words)))
    text, examples = _split_help(command.help or "")
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    lines = [f"# envdoctor {' '.join(words)}", "", "```text", usage, "```", "", text]
    if examples:
        lines += ["", "## Examples", "", "```sh", *examples, "```"]
    if options := _options(command, context):
        lines += ["", "## Options", "", *options]
    if isinstance(command, click.Group):
        lines += ["", "## Commands", ""]
        lines += [
            f"- [{name}]({'-'.join((*words, name))}.md): {each.get_short_help_str(limit=200)}"
            for name, each in sorted(command.commands.items())
        ]
    return "\n".join([*lines, ""])


def _split_help(help_text: str) -> tuple[str, list[str]]:
    """The prose, and the lines of the paragraphs that Click is told not to wrap."""
    prose, examples = [], []
    for paragraph in inspect.cleandoc(help_text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            examples += paragraph.splitlines()[1:]
        else:
            prose.append(" ".join(paragraph.split()))
    return "\n\n".join(prose), examples


def _options(command: click.Command, context: click.Context) -> list[str]:
    """A table of the arguments that have a help and of the options that are shown."""
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            name, said = record
            rows.append(f"| <code>{_cell(name)}</code> | {_cell(said)} |")
    return ["| option | what it does |", "|---|---|", *rows] if rows else []


def _cell(text: str) -> str:
    """Text that neither ends a cell of a table nor is taken for markup."""
    entities = {"&": "&amp;", "<": "&lt;", "|": "&#124;", "*": "&#42;", "_": "&#95;", "[": "&#91;"}
    return "".join(entities.get(each, each) for each in " ".join(text.split()))
