"""`envdoctor new`: the beginning of a plugin of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from envdoctor.errors import ExitCode


@click.group()
def new() -> None:
    """Write the beginning of a plugin of your own.

    \b
    envdoctor new backend my-framework
    envdoctor new backend my-framework --module my_framework --output ./plugin
    """


@new.command()
@click.argument("name")
@click.option(
    "--module",
    default="numpy",
    show_default=True,
    metavar="NAME",
    help="The framework's top-level module, as users import it.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A new or empty folder; default: envdoctor-NAME.",
)
@click.pass_obj
def backend(strangers: bool, /, name: str, module: str, output: Path | None) -> int:
    """Write a distribution with a backend called NAME: what is left to you says so when it runs.

    \b
    envdoctor new backend my-framework
    envdoctor new backend my-framework --module my_framework --output ./plugin
    """
    from envdoctor.plugins import load_plugins
    from envdoctor.skeleton import check_module, check_name, distribution_of, write_backend
    from envdoctor.target.interpreter import shorten

    taken = frozenset(each.name for each in load_plugins(strangers=strangers).backends())
    check_name(name, taken)
    check_module(module)
    folder = output or Path(distribution_of(name))
    files = write_backend(name, module, folder)
    python = shorten(_own_python())
    click.echo(f"{folder}: {len(files)} files. Install it, then write what the kit asks for:")
    click.echo(f'  {python} -m pip install -e "{folder}[test]"')
    click.echo(f"  {python} -m envdoctor.testing {name}")
    return ExitCode.DONE


def _own_python() -> str:
    from envdoctor.target.interpreter import find_interpreter

    return find_interpreter(None)
