"""The root of the command line; a command is a file beside this one."""

from __future__ import annotations

import click

from envdoctor import __version__
from envdoctor.cli.bench import bench
from envdoctor.cli.compare import compare
from envdoctor.cli.parity import parity
from envdoctor.cli.plugins import plugins
from envdoctor.cli.workloads import workloads


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="envdoctor")
@click.option(
    "--no-plugins", is_flag=True, help="Load no plugins but envdoctor's own, to find a culprit."
)
@click.pass_context
def main(context: click.Context, *, no_plugins: bool) -> None:
    """Compare machine-learning frameworks, after proving that they do the same work.

    \b
    envdoctor bench                        train, prove, measure, tabulate
    envdoctor bench ./my-model.toml        the same for your own model
    envdoctor parity mlp-tiny              only the proof
    envdoctor plugins                      what can run here, and what would mend the rest
    """
    context.obj = not no_plugins


main.add_command(bench)
main.add_command(compare)
main.add_command(parity)
main.add_command(plugins)
main.add_command(workloads)
