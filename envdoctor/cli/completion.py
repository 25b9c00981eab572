"""`envdoctor completion`: the script that lets a shell complete commands, options and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envdoctor.errors import ExitCode

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_ENVDOCTOR_COMPLETE"
"""By which the script asks; the root command looks for it under this name."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, /, shell: str) -> int:
    """Print the completion script of a SHELL: bash (4.4 or newer), zsh or fish.

    It completes commands, options, and the names of workloads, backends, modes, formats and checks,
    those of installed plugins included.

    For bash put it into a file that ~/.bashrc sources, for zsh into a folder of fpath before
    compinit runs, for fish as below; then open a new shell.

    \b
    envdoctor completion bash > ~/.envdoctor-completion.bash
    envdoctor completion zsh > ~/.zfunc/_envdoctor
    envdoctor completion fish > ~/.config/fish/completions/envdoctor.fish
    """
    click.echo(script(context.find_root().command, shell))
    return ExitCode.DONE


def script(command: click.Command, shell: str) -> str:
    """What the shell is to read; made from a template, without asking the shell for its version."""
    from click.shell_completion import get_completion_class

    found: type[ShellComplete] | None = get_completion_class(shell)
    if found is None:
        raise LookupError(shell)
    asker = found(command, {}, "envdoctor", VARIABLE)
    return asker.source_template % asker.source_vars()
