"""The root of the command line; a command is a file beside this one."""

from __future__ import annotations

import click

from envdoctor import __version__
from envdoctor.cli.bench import bench
from envdoctor.cli.check import check
from envdoctor.cli.choose import choose
from envdoctor.cli.compare import compare
from envdoctor.cli.completion import completion
from envdoctor.cli.info import info
from envdoctor.cli.new import new
from envdoctor.cli.parity import parity
from envdoctor.cli.plugins import plugins
from envdoctor.cli.report import report
from envdoctor.cli.runs import runs
from envdoctor.cli.workloads import workloads

HELP_NAMES = ("-h", "--help")


@click.group()
@click.version_option(__version__, prog_name="envdoctor")
@click.option(
    "--no-plugins", is_flag=True, help="Load no plugins but envdoctor's own, to find a culprit."
)
@click.pass_context
def main(context: click.Context, *, no_plugins: bool) -> None:
    """Say what is wrong with a machine-learning environment, and which framework is fast in it.

    \b
    envdoctor check                        what is wrong, why, and what mends it
    envdoctor info                         the facts, for a bug report
    envdoctor bench                        train, prove, measure, tabulate
    envdoctor bench ./my-model.toml        the same for your own model
    envdoctor parity mlp-tiny              only the proof
    envdoctor report run.json -o page.html a run as a page with charts
    envdoctor plugins                      what can run here, and why not
    envdoctor new backend NAME             a framework of your own
    envdoctor completion bash              completion of names on Tab
    """
    context.obj = not no_plugins


def _settle_help(command: click.Command) -> None:
    """Let a command, and all below it, make its help option now, with both names.

    Click makes it when it is first asked for, by the context of that moment, and keeps it: a
    context without our settings would take `-h` away for good.
    """
    command.get_help_option(click.Context(command, help_option_names=[*HELP_NAMES]))
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _settle_help(below)


for _command in (
    bench,
    check,
    choose,
    compare,
    completion,
    info,
    new,
    parity,
    plugins,
    report,
    runs,
    workloads,
):
    main.add_command(_command)
_settle_help(main)
